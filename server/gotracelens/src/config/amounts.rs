//! Amounts of memory and processors, as containers and Go write them.

use serde_json::Value;

/// Bytes of a mebibyte, which is what gctrace calls MB.
const MIB: f64 = 1_048_576.0;

/// The unit behind a number and how many bytes it is. Upper-case `M` is Kubernetes' decimal megabyte, lower-case `m`
/// Docker's binary one; GOMEMLIMIT knows the `iB` forms.
const UNITS: [(&str, f64); 24] = [
    ("", 1.0),
    ("B", 1.0),
    ("b", 1.0),
    ("k", 1024.0),
    ("m", MIB),
    ("g", 1024.0 * MIB),
    ("t", MIB * MIB),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("KB", 1e3),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("Ki", 1024.0),
    ("Mi", MIB),
    ("Gi", 1024.0 * MIB),
    ("Ti", MIB * MIB),
    ("KiB", 1024.0),
    ("MiB", MIB),
    ("GiB", 1024.0 * MIB),
    ("TiB", MIB * MIB),
];

/// Less memory than this no Go program runs in; a smaller amount lacks its unit.
const MIN_MIB: f64 = 1.0;

/// Memory in MiB, from `512MiB`, `512Mi`, `1.5G`, `512m` or a number of bytes.
pub fn memory_mib(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let at = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let bytes = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).map(|(_, bytes)| *bytes);
    let (Ok(number), Some(bytes)) = (number.parse::<f64>(), bytes) else {
        return Err(format!("{text:?} is no amount of memory; write it like 512MiB, 512Mi, 2GiB or 512m"));
    };
    let mib = number * bytes / MIB;
    match mib {
        _ if !mib.is_finite() => Err(format!("{text:?} is too much")),
        _ if mib < MIN_MIB => Err(format!("{text:?} is less than a MiB; a plain number means bytes")),
        _ => Ok(mib),
    }
}

/// Processors, from `2`, `1.5` or Kubernetes' `500m`.
pub fn cpus(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, share) = text.strip_suffix('m').map_or((text, 1.0), |milli| (milli, 1e-3));
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number * share),
        _ => Err(format!("{text:?} is no number of processors; write it like 2, 1.5 or 500m")),
    }
}

/// The same from a setting, where an empty text and 0 mean that it is not known.
pub(super) fn setting(value: &Value, read: fn(&str) -> Result<f64, String>) -> Result<Option<f64>, String> {
    match value {
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => read(text).map(Some),
        Value::Number(number) if number.as_f64() == Some(0.0) => Ok(None),
        Value::Number(number) => read(&number.to_string()).map(Some),
        other => Err(format!("expected a text or a number, got {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_docker_kubernetes_and_go_write_it() {
        for (text, mib) in [
            ("512MiB", 512.0),
            ("512Mi", 512.0),
            ("512m", 512.0),
            ("512M", 488.281_25),
            ("1.5GiB", 1536.0),
            ("2 GiB", 2048.0),
            ("536870912", 512.0),
            ("1G", 953.674_316_406_25),
        ] {
            assert_eq!(memory_mib(text), Ok(mib), "{text}");
        }
        for text in ["", "512", "MiB", "1e9MiB", "-1GiB", "512Mb", "0", "9".repeat(400).as_str()] {
            assert!(memory_mib(text).is_err(), "{text}");
        }
    }

    #[test]
    fn processors_are_whole_broken_or_milli() {
        for (text, number) in [("2", 2.0), ("1.5", 1.5), ("500m", 0.5), (" 4 ", 4.0)] {
            assert_eq!(cpus(text), Ok(number), "{text}");
        }
        for text in ["", "0", "-1", "m", "two", "inf", "NaN"] {
            assert!(cpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_and_zero_are_not_known() {
        for value in [Value::from(""), Value::from(0), Value::from(0.0)] {
            assert_eq!(setting(&value, cpus), Ok(None), "{value}");
        }
        assert_eq!(setting(&Value::from(2.5), cpus), Ok(Some(2.5)));
        assert!(setting(&Value::from(true), cpus).is_err());
    }
}
