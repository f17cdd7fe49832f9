//! Numbers and times from text, exactly. No float is used on the way.

/// Beyond it nothing fits 64 bits, and a hostile one would keep us counting zeros.
const EXPONENT: u32 = 40;

/// A decimal text in units of ten to the minus `digits`; nothing when it is not a number, does not
/// fit, or has digits that the scale cannot hold. Understands `1e-05`.
pub(crate) fn units(text: &str, digits: u8) -> Option<i64> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    if exponent.unsigned_abs() > EXPONENT {
        return None;
    }
    let (negative, body) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    if body.is_empty() || body == "." {
        return None;
    }
    // digits still to come after the point
    let mut places = i32::from(digits) + exponent;
    let mut value = 0_i64;
    let mut after_point = false;
    for byte in body.bytes() {
        match byte {
            b'.' if !after_point => after_point = true,
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                if after_point && places <= 0 {
                    // a digit too fine for the scale must be zero
                    if digit != 0 {
                        return None;
                    }
                    continue;
                }
                value = value.checked_mul(10)?.checked_add(digit)?;
                places -= i32::from(after_point);
            }
            _ => return None,
        }
    }
    while places > 0 {
        value = value.checked_mul(10)?;
        places -= 1;
    }
    while places < 0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
        places += 1;
    }
    Some(if negative { -value } else { value })
}

/// Seconds since the epoch as decimal text, in nanoseconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    units(text, 9).and_then(|nanos| u64::try_from(nanos).ok())
}

/// A stamp such as `2025-09-15T22:56:16.839832`, with or without a fraction, as if it were UTC, in
/// ns. One that names its zone or offset is not read: the parser would drop it without a word.
pub(crate) fn iso(text: &str) -> Option<u64> {
    let text = text.trim();
    let (_, time) = text.split_once(['T', 't', ' '])?;
    if time.contains(['+', '-', 'Z', 'z', '[']) {
        return None;
    }
    let stamp: jiff::civil::DateTime = text.parse().ok()?;
    let time = stamp.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    u64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_nothing() {
        for (text, digits, expected) in [
            ("61737.63000000", 2, Some(6_173_763)),
            ("61737.635", 2, None),
            ("1e-05", 5, Some(1)),
            ("2e-05", 4, None),
            ("1.5e3", 0, Some(1500)),
            ("0", 3, Some(0)),
            ("-0.5", 1, Some(-5)),
            ("NaN", 3, None),
            ("", 3, None),
            ("9223372036854775808", 0, None),
            ("1.2.3", 3, None),
            ("1e2147483647", 3, None),
            ("1e-2147483648", 0, None),
            ("0e2000000000", 0, None),
            ("0e-2000000000", 0, None),
            ("1e19", 0, None),
        ] {
            assert_eq!(units(text, digits), expected, "{text}");
        }
    }

    #[test]
    fn stamps_with_and_without_a_fraction() {
        let whole = iso("2025-09-15T21:43:14").unwrap();
        assert_eq!(iso("2025-09-15T21:43:14.000001").unwrap(), whole + 1_000);
        assert_eq!(whole, 1_757_972_594_000_000_000);
        for zoned in ["+02:00", "-0500", "Z", "[Europe/Berlin]", "+02:00[Europe/Berlin]"] {
            let text = format!("2025-09-15T21:43:14{zoned}");
            assert_eq!(iso(&text), None, "{text}");
        }
        assert_eq!(seconds("1757015216.673878"), Some(1_757_015_216_673_878_000));
    }
}
