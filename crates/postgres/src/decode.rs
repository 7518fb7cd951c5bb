//! A serde reader over the cells of a row.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    VariantAccess, Visitor, value::SeqDeserializer,
};

use crate::cell::Cell;

/// A row that does not fit the struct it was read into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DecodeError {
    row: Option<usize>,
    column: Option<String>,
    what: String,
}

impl DecodeError {
    /// Adds the row, counted from 0.
    pub(crate) fn in_row(mut self, number: usize) -> Self {
        self.row.get_or_insert(number + 1);
        self
    }

    pub(crate) fn not_one_row(count: usize) -> Self {
        de::Error::custom(format_args!("{count} rows where one was expected"))
    }

    fn in_column(mut self, name: &str) -> Self {
        self.column.get_or_insert_with(|| name.to_owned());
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            if let Some(column) = &self.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { row: None, column: None, what: message.to_string() }
    }
}

/// Reads one row, leaving out its NULLs.
pub(crate) fn row<T: DeserializeOwned>(
    columns: &[String],
    cells: &[Cell],
) -> Result<T, DecodeError> {
    let pairs = columns.iter().zip(cells);
    T::deserialize(de::value::MapAccessDeserializer::new(RowAccess { pairs, current: None }))
}

struct RowAccess<'a, I: Iterator<Item = (&'a String, &'a Cell)>> {
    pairs: I,
    current: Option<(&'a str, &'a Cell)>,
}

impl<'de, I: Iterator<Item = (&'de String, &'de Cell)>> MapAccess<'de> for RowAccess<'de, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((name, cell)) = self.pairs.find(|(_, cell)| **cell != Cell::Null) else {
            return Ok(None);
        };
        self.current = Some((name, cell));
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((name, cell)) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(CellReader(cell)).map_err(|trouble| trouble.in_column(name))
    }
}

/// Reads one cell.
#[derive(Clone, Copy)]
struct CellReader<'de>(&'de Cell);

impl<'de> IntoDeserializer<'de, DecodeError> for CellReader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for CellReader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Cell::Null => visitor.visit_unit(),
            Cell::Bool(value) => visitor.visit_bool(*value),
            Cell::Int(value) => visitor.visit_i64(*value),
            Cell::Float(value) => visitor.visit_f64(*value),
            Cell::Text(value) => visitor.visit_borrowed_str(value),
            Cell::Time(value) => visitor.visit_string(value.to_string()),
            Cell::Array(cells) => {
                visitor.visit_seq(SeqDeserializer::new(cells.iter().map(CellReader)))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Cell::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Cell::Text(name) => visitor.visit_enum(VariantName(name)),
            other => Err(de::Error::custom(format_args!(
                "{} where the name of a variant was expected",
                other.kind()
            ))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The name of a variant without content.
struct VariantName<'de>(&'de str);

impl<'de> EnumAccess<'de> for VariantName<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let name = de::value::BorrowedStrDeserializer::new(self.0);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantName<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        _seed: T,
    ) -> Result<T::Value, DecodeError> {
        Err(no_content(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        Err(no_content(self.0))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        Err(no_content(self.0))
    }
}

fn no_content(name: &str) -> DecodeError {
    de::Error::custom(format_args!("the variant {name} has content, a column has none"))
}
