//! Memory sizes, and how a budget is shared between blocks in flight.

use thiserror::Error;

const MIB: u64 = 1 << 20;
/// Code, plan and tables: what a process needs before any block.
pub const FIXED_BYTES: u64 = 64 * MIB;
/// The smallest useful cache of decoded chunks.
pub const SMALLEST_CACHE: u64 = 32 * MIB;

/// A text that is not a memory size.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a memory size; write a number with MiB, GiB, MB or GB, like 4GiB")]
pub struct BadSize(String);

/// Reads a memory size: `4GiB`, `512 MiB`, `1.5GB`, or plain bytes.
///
/// # Errors
/// [`BadSize`] for anything else, zero and negative sizes included.
pub fn parse_bytes(text: &str) -> Result<u64, BadSize> {
    let bad = || BadSize(text.to_owned());
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kib" => 1024.0,
        "mib" => MIB as f64,
        "gib" => 1024.0 * MIB as f64,
        "tib" => 1024.0 * 1024.0 * MIB as f64,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        _ => return Err(bad()),
    };
    let bytes = number * factor;
    if bytes.is_finite() && bytes >= 1.0 { Ok(bytes as u64) } else { Err(bad()) }
}

/// A size for people: `1.3 GiB`, `512 MiB`.
pub fn show_bytes(bytes: u64) -> String {
    let (value, unit) = match bytes {
        b if b >= 1 << 30 => (b as f64 / (1u64 << 30) as f64, "GiB"),
        b if b >= MIB => (b as f64 / MIB as f64, "MiB"),
        b if b >= 1024 => (b as f64 / 1024.0, "KiB"),
        b => return format!("{b} bytes"),
    };
    if value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// What a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bound on resident memory, in bytes.
    pub memory: u64,
    /// Threads to use, at least 1.
    pub threads: usize,
}

impl Budget {
    /// Bytes of the cache of decoded chunks: a quarter of the budget, at least 32 MiB.
    pub fn cache(&self) -> u64 {
        (self.memory / 4).max(SMALLEST_CACHE)
    }

    /// Bytes that blocks in flight may use together.
    pub fn for_blocks(&self) -> u64 {
        self.memory.saturating_sub(FIXED_BYTES + self.cache())
    }

    /// How many blocks of the given size may run at once; 0 when not even one fits.
    pub fn in_flight(&self, bytes_per_block: u64) -> usize {
        let fit = self.for_blocks() / bytes_per_block.max(1);
        (fit as usize).min(self.threads.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_with_binary_and_decimal_units() {
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        assert_eq!(parse_bytes(" 512 MiB "), Ok(512 << 20));
        assert_eq!(parse_bytes("1.5gb"), Ok(1_500_000_000));
        assert!(parse_bytes("lots").is_err());
        assert!(parse_bytes("0").is_err());
        assert!(parse_bytes("-1GiB").is_err());
    }

    #[test]
    fn a_budget_leaves_room_for_the_cache() {
        let budget = Budget { memory: 512 * MIB, threads: 2 };
        assert_eq!(budget.cache(), 128 * MIB);
        assert_eq!(budget.for_blocks(), 320 * MIB);
        assert_eq!(budget.in_flight(100 * MIB), 2);
        assert_eq!(budget.in_flight(400 * MIB), 0);
    }
}
