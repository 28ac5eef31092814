//! Units of length and time as OME-NGFF names them (UDUNITS), in micrometres and seconds.

/// Micrometres per unit of length, or `None` for a unit that is not known.
pub(crate) fn micrometres(unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "angstrom" | "Å" => 1e-4,
        "inch" | "in" => 25_400.0,
        "foot" | "ft" => 304_800.0,
        "yard" | "yd" => 914_400.0,
        "mile" | "mi" => 1_609_344_000.0,
        "micron" => 1.0,
        unit => 10f64.powi(6 + power_of_ten(unit, &["meter", "metre", "m"])?),
    })
}

/// Seconds per unit of time, or `None` for a unit that is not known.
pub(super) fn seconds(unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "minute" | "min" => 60.0,
        "hour" | "h" => 3600.0,
        "day" | "d" => 86_400.0,
        unit => 10f64.powi(power_of_ten(unit, &["second", "sec", "s"])?),
    })
}

/// The power of ten of a prefix before one of the unit's names; plural names count.
fn power_of_ten(unit: &str, names: &[&str]) -> Option<i32> {
    let long = [
        ("yotta", 24),
        ("zetta", 21),
        ("exa", 18),
        ("peta", 15),
        ("tera", 12),
        ("giga", 9),
        ("mega", 6),
        ("kilo", 3),
        ("hecto", 2),
        ("deca", 1),
        ("deci", -1),
        ("centi", -2),
        ("milli", -3),
        ("micro", -6),
        ("nano", -9),
        ("pico", -12),
        ("femto", -15),
        ("atto", -18),
        ("zepto", -21),
        ("yocto", -24),
        ("", 0),
    ];
    let short = [
        ("km", 3),
        ("dm", -1),
        ("cm", -2),
        ("mm", -3),
        ("um", -6),
        ("µm", -6),
        ("μm", -6),
        ("nm", -9),
        ("pm", -12),
        ("ms", -3),
        ("us", -6),
        ("µs", -6),
        ("μs", -6),
        ("ns", -9),
    ];
    let singular = unit.strip_suffix('s').filter(|u| u.len() > 2).unwrap_or(unit);
    for (prefix, power) in long {
        for name in names.iter().filter(|n| prefix.is_empty() || n.len() > 2) {
            if [unit, singular].iter().any(|u| u.strip_prefix(prefix) == Some(name)) {
                return Some(power);
            }
        }
    }
    let last = names.last().copied().unwrap_or_default();
    short.iter().find(|(u, _)| *u == unit && u.ends_with(last)).map(|(_, power)| *power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_in_their_usual_spellings() {
        for (unit, um) in [
            ("micrometer", 1.0),
            ("micrometre", 1.0),
            ("micrometers", 1.0),
            ("um", 1.0),
            ("µm", 1.0),
            ("nanometer", 1e-3),
            ("nm", 1e-3),
            ("millimeter", 1e3),
            ("meter", 1e6),
            ("m", 1e6),
            ("angstrom", 1e-4),
            ("centimeter", 1e4),
            ("kilometer", 1e9),
        ] {
            let got = micrometres(unit).expect(unit);
            assert!((got / um - 1.0).abs() < 1e-15, "{unit}: {got}");
        }
        for unit in ["", " ", "pixel", "second", "ms", "meterz", "microm", "s"] {
            assert_eq!(micrometres(unit), None, "{unit:?}");
        }
    }

    #[test]
    fn times_read_in_their_usual_spellings() {
        for (unit, s) in [
            ("second", 1.0),
            ("seconds", 1.0),
            ("s", 1.0),
            ("millisecond", 1e-3),
            ("ms", 1e-3),
            ("microsecond", 1e-6),
            ("minute", 60.0),
            ("hour", 3600.0),
        ] {
            assert_eq!(seconds(unit), Some(s), "{unit}");
        }
        for unit in ["", "meter", "nm", "frame"] {
            assert_eq!(seconds(unit), None, "{unit:?}");
        }
    }
}
