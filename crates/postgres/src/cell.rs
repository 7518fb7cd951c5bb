//! One value of a row, read from PostgreSQL's binary format by the type's OID.

use std::error::Error as StdError;

use jiff::Timestamp;
use postgres_protocol::types as wire;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::numeric;

/// Boxed because that is what the wire library's trait asks for.
pub(crate) type Trouble = Box<dyn StdError + Sync + Send>;

/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// One value of a row.
///
/// As JSON it is the plain value. A recorded [`Cell::Time`] comes back as [`Cell::Text`], which decodes to a
/// timestamp just as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// SQL NULL, and the timestamps `infinity` and `-infinity`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int2`, `int4`, `int8`, `oid` and its named kin, `xid`, `xid8`.
    Int(i64),
    /// `float4`, `float8`, `numeric`.
    Float(f64),
    /// Text of any kind, enums, `pg_lsn`, `json`. Bytes that are not UTF-8 are replaced by U+FFFD.
    Text(String),
    /// `timestamptz`.
    Time(Timestamp),
    /// An array, flat in row-major order.
    Array(Vec<Cell>),
}

impl Cell {
    /// Reads a value in binary format. Fails for a type not listed at [`Cell`] and for a value that is cut
    /// short; never for bytes in a foreign encoding.
    pub(crate) fn from_binary(ty: &Type, raw: &[u8]) -> Result<Self, Trouble> {
        match ty.kind() {
            Kind::Array(element) => return array(element, raw),
            Kind::Enum(_) => return Ok(text(raw)),
            Kind::Domain(base) => return Self::from_binary(base, raw),
            _ => {}
        }
        Ok(match *ty {
            Type::BOOL => Self::Bool(wire::bool_from_sql(raw)?),
            Type::INT2 => Self::Int(wire::int2_from_sql(raw)?.into()),
            Type::INT4 => Self::Int(wire::int4_from_sql(raw)?.into()),
            Type::INT8 | Type::XID8 => Self::Int(wire::int8_from_sql(raw)?),
            Type::OID
            | Type::XID
            | Type::CID
            | Type::REGCLASS
            | Type::REGTYPE
            | Type::REGPROC
            | Type::REGPROCEDURE
            | Type::REGROLE
            | Type::REGNAMESPACE => Self::Int(wire::oid_from_sql(raw)?.into()),
            Type::FLOAT4 => Self::Float(wire::float4_from_sql(raw)?.into()),
            Type::FLOAT8 => Self::Float(wire::float8_from_sql(raw)?),
            Type::NUMERIC => Self::Float(numeric::from_binary(raw)?),
            Type::TEXT
            | Type::NAME
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::CHAR
            | Type::UNKNOWN
            | Type::JSON
            | Type::CSTRING => text(raw),
            Type::PG_LSN => lsn(wire::lsn_from_sql(raw)?),
            Type::TIMESTAMPTZ => time(wire::timestamp_from_sql(raw)?),
            _ => return Err(format!("the type {ty} has no reader; cast it in the query").into()),
        })
    }

    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a fraction",
            Self::Text(_) => "text",
            Self::Time(_) => "a time",
            Self::Array(_) => "an array",
        }
    }
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Trouble> {
        Self::from_binary(ty, raw)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Trouble> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Text in whatever encoding: a `SQL_ASCII` database hands out bytes as they were stored.
fn text(raw: &[u8]) -> Cell {
    Cell::Text(String::from_utf8_lossy(raw).into_owned())
}

fn lsn(position: u64) -> Cell {
    Cell::Text(format!("{:X}/{:X}", position >> 32, position & 0xFFFF_FFFF))
}

/// A time from microseconds since 2000; the two infinities, and years beyond the calendar, are no time at all.
fn time(micros: i64) -> Cell {
    if micros == i64::MAX || micros == i64::MIN {
        return Cell::Null;
    }
    micros
        .checked_add(EPOCH_MICROS)
        .and_then(|since_1970| Timestamp::from_microsecond(since_1970).ok())
        .map_or(Cell::Null, Cell::Time)
}

fn array(element: &Type, raw: &[u8]) -> Result<Cell, Trouble> {
    use fallible_iterator::FallibleIterator as _;

    // The header is checked here because the reader below slices by the dimensions it claims.
    let claimed = raw.first_chunk::<4>().map_or(0, |head| i32::from_be_bytes(*head));
    let dimensions = usize::try_from(claimed).unwrap_or(0);
    if dimensions > 6 || raw.len() < 12 + dimensions * 8 {
        return Err("an array's header is cut short".into());
    }
    wire::array_from_sql(raw)?
        .values()
        .map(|value| value.map_or(Ok(Cell::Null), |raw| Cell::from_binary(element, raw)))
        .collect()
        .map(Cell::Array)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_count_from_the_year_2000() {
        let read = |micros: i64| Cell::from_binary(&Type::TIMESTAMPTZ, &micros.to_be_bytes());
        assert_eq!(read(0).unwrap(), Cell::Time("2000-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(read(-1).unwrap(), Cell::Time("1999-12-31T23:59:59.999999Z".parse().unwrap()));
        assert_eq!(read(i64::MAX).unwrap(), Cell::Null, "infinity");
        assert_eq!(read(i64::MIN).unwrap(), Cell::Null, "-infinity");
    }

    #[test]
    fn foreign_text_is_replaced_not_refused() {
        let cell = Cell::from_binary(&Type::TEXT, b"caf\xe9").unwrap();
        assert_eq!(cell, Cell::Text("caf\u{fffd}".into()));
    }

    #[test]
    fn a_position_reads_like_the_servers_own_text() {
        let cell = Cell::from_binary(&Type::PG_LSN, &0x16_B374_D848_u64.to_be_bytes()).unwrap();
        assert_eq!(cell, Cell::Text("16/B374D848".into()));
    }

    #[test]
    fn a_type_without_a_reader_is_named() {
        let trouble = Cell::from_binary(&Type::POINT, &[0; 16]).unwrap_err();
        assert!(trouble.to_string().contains("point"), "{trouble}");
    }

    fn types() -> impl Strategy<Value = Type> {
        prop::sample::select(vec![
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::OID,
            Type::XID,
            Type::XID8,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::PG_LSN,
            Type::TIMESTAMPTZ,
            Type::TEXT_ARRAY,
            Type::INT4_ARRAY,
            Type::BOOL_ARRAY,
            Type::FLOAT4_ARRAY,
            Type::OID_ARRAY,
        ])
    }

    fn text_types() -> impl Strategy<Value = Type> {
        let all = [Type::TEXT, Type::NAME, Type::VARCHAR, Type::BPCHAR, Type::CHAR, Type::JSON];
        prop::sample::select(all.to_vec())
    }

    proptest! {
        #[test]
        fn any_bytes_are_text(ty in text_types(), raw in any::<Vec<u8>>()) {
            let is_text = matches!(Cell::from_binary(&ty, &raw), Ok(Cell::Text(_)));
            prop_assert!(is_text);
        }

        #[test]
        fn no_bytes_panic(ty in types(), raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Cell::from_binary(&ty, &raw);
        }

        #[test]
        fn no_array_header_panics(head in any::<[i32; 5]>(), ty in types()) {
            let raw: Vec<u8> = head.iter().flat_map(|part| part.to_be_bytes()).collect();
            let _ = Cell::from_binary(&ty, &raw);
        }
    }
}
