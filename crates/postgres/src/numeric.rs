//! The binary format of `numeric`, read as the nearest floating-point number.

use crate::cell::Trouble;

/// Reads groups of four decimal digits: their count, the weight of the first, a sign, a display scale.
pub(crate) fn from_binary(raw: &[u8]) -> Result<f64, Trouble> {
    let mut words = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut header = || words.next().ok_or("a numeric is cut short");
    let (count, weight, sign) = (header()?, header()?.cast_signed(), header()?);
    header()?;
    let value = match sign {
        0x0000 | 0x4000 => {
            let mut scale = 10_000_f64.powi(weight.into());
            let mut sum = 0.0;
            for _ in 0..count {
                sum += f64::from(header()?) * scale;
                scale /= 10_000.0;
            }
            if sign == 0x4000 { -sum } else { sum }
        }
        0xD000 => f64::INFINITY,
        0xF000 => f64::NEG_INFINITY,
        _ => f64::NAN,
    };
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[u16]) -> f64 {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        from_binary(&raw).unwrap()
    }

    #[test]
    fn groups_of_four_digits_add_up() {
        assert!((read(&[2, 0, 0, 2, 12, 3400]) - 12.34).abs() < 1e-12);
        assert!((read(&[3, 2, 0, 0, 1, 2, 3]) - 100_020_003.0).abs() < 1e-6);
        assert!((read(&[1, 0, 0x4000, 0, 7]) + 7.0).abs() < 1e-12);
        assert!(read(&[0, 0, 0, 0]).abs() < 1e-12);
        assert!(read(&[0, 0, 0xC000, 0]).is_nan());
    }

    #[test]
    fn a_cut_value_is_an_error() {
        assert!(from_binary(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 12]).is_err());
        assert!(from_binary(&[]).is_err());
    }
}
