//! The field names of a struct, asked of its own deserialiser.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};

/// The names by which `T`'s fields are read.
pub(super) fn field_names<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut names = Vec::new();
    // The question is answered before the error that ends it.
    let _ = T::deserialize(Asking { names: &mut names });
    names
}

/// Notes the fields a struct asks for and gives none.
struct Asking<'a> {
    names: &'a mut Vec<&'static str>,
}

#[derive(Debug)]
struct Answered;

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields are known")
    }
}

impl std::error::Error for Answered {}

impl serde::de::Error for Answered {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Answered;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answered> {
        Err(Answered)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answered> {
        self.names.extend_from_slice(fields);
        Err(Answered)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::{counters::Slru, schema::CollationMismatch};

    use super::*;

    #[test]
    fn names_are_those_of_the_struct() {
        let names = field_names::<Slru>();
        assert_eq!(names, ["name", "blocks_hit", "blocks_read", "blocks_written", "stats_reset"]);
        assert!(
            field_names::<CollationMismatch>().contains(&"noticed_at"),
            "also what is not always written"
        );
    }
}
