//! Names of units in TIFF metadata.

/// Micrometres in a unit of length, `None` for names that are no length (`pixel`, `reference frame`).
pub fn length_um(name: &str) -> Option<f64> {
    Some(match name.trim().replace("\\u00B5", "µ").replace('μ', "µ").as_str() {
        "µm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" => 1.0,
        "nm" | "nanometer" | "nanometre" => 1e-3,
        "pm" | "picometer" => 1e-6,
        "Å" | "\u{212B}" | "angstrom" => 1e-4,
        "mm" | "millimeter" | "millimetre" => 1e3,
        "cm" | "centimeter" | "centimetre" => 1e4,
        "dm" => 1e5,
        "m" | "meter" | "metre" => 1e6,
        "in" | "inch" | "inches" => 25_400.0,
        "thou" | "mil" => 25.4,
        "ft" => 304_800.0,
        "pt" => 25_400.0 / 72.0,
        _ => return None,
    })
}

/// Seconds in a unit of time.
pub fn time_s(name: &str) -> Option<f64> {
    Some(match name.trim().replace("\\u00B5", "µ").replace('μ', "µ").as_str() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "millisecond" => 1e-3,
        "µs" | "us" | "usec" | "microsecond" => 1e-6,
        "ns" => 1e-9,
        "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        "d" | "day" => 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signs_for_micro_and_the_escape_are_micrometres() {
        for name in ["µm", "μm", "\\u00B5m", "um", "micron"] {
            assert_eq!(length_um(name), Some(1.0), "{name}");
        }
        assert_eq!(length_um("pixel"), None);
        assert_eq!(time_s("ms"), Some(1e-3));
    }
}
