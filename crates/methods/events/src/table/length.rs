//! Traces brought to a length.

/// How a trace goes on beyond its samples, as `numpy.pad` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// The nearest sample.
    #[default]
    Edge,
    /// 0.
    Constant,
    /// Mirrored, the outermost sample once.
    Reflect,
    /// Mirrored, the outermost sample twice.
    Symmetric,
    /// From the other end.
    Wrap,
    /// The trace's mean.
    Mean,
    /// In a straight line to 0.
    LinearRamp,
}

/// Where a trace is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadSide {
    /// Behind its last sample.
    #[default]
    End,
    /// Before its first sample.
    Start,
}

/// Pads a trace to `length`; a longer one stays. A trace without samples becomes zeros.
pub fn pad(trace: &mut Vec<f64>, length: usize, mode: PadMode, side: PadSide) {
    if trace.len() >= length {
        return;
    }
    if side == PadSide::Start {
        trace.reverse();
    }
    let n = trace.len();
    let missing = length - n;
    let mean = trace.iter().sum::<f64>() / n.max(1) as f64;
    let beyond = |k: usize| match mode {
        _ if n == 0 => 0.0,
        PadMode::Edge => trace[n - 1],
        PadMode::Constant => 0.0,
        PadMode::Reflect if n == 1 => trace[0],
        PadMode::Reflect => {
            let i = (n + k) % (2 * (n - 1));
            trace[i.min(2 * (n - 1) - i)]
        }
        PadMode::Symmetric => {
            let i = (n + k) % (2 * n);
            trace[i.min(2 * n - 1 - i)]
        }
        PadMode::Wrap => trace[k % n],
        PadMode::Mean => mean,
        PadMode::LinearRamp => trace[n - 1] * (missing - 1 - k) as f64 / missing as f64,
    };
    let added: Vec<f64> = (0..missing).map(beyond).collect();
    trace.extend(added);
    if side == PadSide::Start {
        trace.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_goes_on_as_numpys() {
        let padded = |mode, side| {
            let mut trace = vec![1.0, 2.0, 6.0];
            pad(&mut trace, 8, mode, side);
            trace
        };
        let end = |mode| padded(mode, PadSide::End)[3..].to_vec();
        assert_eq!(end(PadMode::Edge), [6.0; 5]);
        assert_eq!(end(PadMode::Constant), [0.0; 5]);
        assert_eq!(end(PadMode::Reflect), [2.0, 1.0, 2.0, 6.0, 2.0]);
        assert_eq!(end(PadMode::Symmetric), [6.0, 2.0, 1.0, 1.0, 2.0]);
        assert_eq!(end(PadMode::Wrap), [1.0, 2.0, 6.0, 1.0, 2.0]);
        assert_eq!(end(PadMode::Mean), [3.0; 5]);
        let ramp: Vec<f64> = [4.8, 3.6, 2.4, 1.2, 0.0].to_vec();
        assert!(end(PadMode::LinearRamp).iter().zip(ramp).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(
            padded(PadMode::Reflect, PadSide::Start),
            [2.0, 1.0, 2.0, 6.0, 2.0, 1.0, 2.0, 6.0]
        );
        assert_eq!(padded(PadMode::Wrap, PadSide::Start), [2.0, 6.0, 1.0, 2.0, 6.0, 1.0, 2.0, 6.0]);
    }

    #[test]
    fn one_sample_and_none() {
        for mode in
            [PadMode::Edge, PadMode::Reflect, PadMode::Symmetric, PadMode::Wrap, PadMode::Mean]
        {
            let mut one = vec![4.0];
            pad(&mut one, 3, mode, PadSide::End);
            assert_eq!(one, [4.0; 3]);
            let mut none = Vec::new();
            pad(&mut none, 2, mode, PadSide::Start);
            assert_eq!(none, [0.0; 2]);
        }
    }
}
