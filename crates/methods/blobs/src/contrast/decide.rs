//! From p-values to decisions.

use std::collections::BTreeMap;

use super::ContrastRow;

/// Blobs that an estimate of bleed-through needs.
const FEWEST: usize = 20;

/// Sets which blobs stand out, so that of those that do about `fdr` do so by chance: the procedure of
/// Benjamini & Hochberg (1995), for each pair of blob channel and channel looked at on its own.
///
/// Blobs without a measurement never stand out. The order of rows does not matter.
pub fn decide(rows: &mut [ContrastRow], fdr: f64) {
    let mut groups = BTreeMap::<(u16, u16), Vec<f64>>::new();
    for row in rows.iter() {
        if let Some(measured) = row.measured {
            groups.entry((row.blob_channel, row.channel)).or_default().push(measured.p_value);
        }
    }
    let limits: BTreeMap<(u16, u16), f64> = groups
        .into_iter()
        .map(|(pair, mut p_values)| {
            p_values.sort_by(f64::total_cmp);
            let n = p_values.len() as f64;
            let passes = |(rank, p): &(usize, &f64)| **p <= fdr * (*rank + 1) as f64 / n;
            let last = p_values.iter().enumerate().rfind(passes);
            (pair, last.map_or(-1.0, |(_, p)| *p))
        })
        .collect();
    for row in rows {
        let limit = limits.get(&(row.blob_channel, row.channel));
        row.coloc = row.measured.zip(limit).is_some_and(|(m, limit)| m.p_value <= *limit);
    }
}

/// Estimates what part of one channel's light shows in another.
///
/// * `contrasts`: of blobs of the source channel, contrast there and in the other channel.
///
/// The ratio at which most blobs agree: those that exist in the source only all have it, those that
/// are in both have any. It is found by halving: again and again the shortest interval with half of
/// the ratios (the half-sample mode, Bickel & Frühwirth 2006, doi:10.1016/j.csda.2005.07.011).
/// `None` for fewer than 20 blobs with a contrast above 0 in the source; never below 0.
pub fn bleed_through(contrasts: &[[f64; 2]]) -> Option<f64> {
    let mut ratios: Vec<f64> = contrasts
        .iter()
        .filter(|c| c[0] > 0.0)
        .map(|c| c[1] / c[0])
        .filter(|r| r.is_finite())
        .collect();
    if ratios.len() < FEWEST {
        return None;
    }
    ratios.sort_by(f64::total_cmp);
    let mut part = ratios.as_slice();
    while part.len() > FEWEST / 2 {
        let half = part.len().div_ceil(2);
        part = part
            .windows(half)
            .min_by(|a, b| (a[half - 1] - a[0]).total_cmp(&(b[half - 1] - b[0])))?;
    }
    let mean = part.iter().sum::<f64>() / part.len() as f64;
    Some(mean.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contrast::Contrast;

    fn row(blob_channel: u16, p_value: f64) -> ContrastRow {
        let measured = Some(Contrast { mean: 0.0, contrast: 0.0, score: 0.0, p_value });
        ContrastRow { blob_id: 0, blob_channel, channel: 1, measured, coloc: false }
    }

    #[test]
    fn the_largest_p_value_below_the_line_decides() {
        // The example of the 1995 paper: 15 p-values, 4 pass at 0.05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        let mut rows: Vec<ContrastRow> = p.iter().rev().map(|p| row(0, *p)).collect();
        rows.push(ContrastRow { measured: None, ..row(0, 0.0) });
        // Another channel has its own line.
        rows.push(row(2, 0.04));
        decide(&mut rows, 0.05);
        assert_eq!(rows[..15].iter().filter(|r| r.coloc).count(), 4);
        assert!(!rows[15].coloc && rows[16].coloc);
        decide(&mut rows, 0.0);
        assert!(rows.iter().all(|r| !r.coloc));
    }

    #[test]
    fn bleed_is_what_most_blobs_agree_on() {
        let contrasts: Vec<[f64; 2]> = (0..100)
            .map(|i| {
                let source = 100.0 + 8.0 * f64::from(i);
                let wobble = 0.4 * f64::from(i * 7 % 11 - 5);
                let other = if i % 3 == 0 { 3.0 * f64::from(i * 37 % 100) } else { 0.0 };
                [source, 0.03 * source + wobble + other]
            })
            .collect();
        let found = bleed_through(&contrasts).unwrap_or_default();
        assert!((found - 0.03).abs() < 0.004, "{found}");
        assert_eq!(bleed_through(&contrasts[..10]), None);
    }
}
