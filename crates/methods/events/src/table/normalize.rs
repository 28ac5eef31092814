//! Traces on one scale.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::EventsError;

/// The number that a trace is shifted or divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// First sample; of a population the mean of its first trace (as astroCAST computes it).
    First,
    /// Mean.
    Mean,
    /// Median.
    Median,
    /// Smallest value.
    Min,
    /// Smallest magnitude.
    MinAbs,
    /// Largest value.
    Max,
    /// Largest magnitude.
    MaxAbs,
    /// Standard deviation, divided by n.
    Std,
    /// Mean of the traces' standard deviations, always of the population.
    StdMean,
    /// Median of the traces' standard deviations, always of the population.
    StdMedian,
    /// Largest of the traces' standard deviations, always of the population.
    StdMax,
}

/// What the number is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Over {
    /// Each trace has its own.
    #[default]
    Trace,
    /// All samples of all traces have one.
    Population,
    /// Each time point has its own, over the events. Traces must be of one length.
    TimePoint,
}

/// One operation on traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Takes a number away.
    Subtract(Mode, Over),
    /// Divides by a number. Where it is 0 the values stay.
    Divide(Mode, Over),
    /// Replaces NaN: by a value, or in a straight line between neighbours, by the nearest one at the
    /// ends.
    ImputeNan(Option<f64>),
    /// Differences of following samples; the first is 0.
    Diff,
}

/// Operations in order.
///
/// Reads from `{"0": "min_max", "1": ["divide", {"mode": "max", "population_wide": true, "rows":
/// true}]}`: keys are numbers, the operations come in their order. Names are `subtract`, `divide`,
/// `impute_nan` (`fixed_value`), `diff`, `min_max` and `mean_std`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, Words>")]
pub struct Instructions(pub Vec<Step>);

impl Instructions {
    /// Subtracts each trace's minimum and divides by its largest magnitude.
    pub fn min_max() -> Self {
        Self(named("min_max", Settings::default()).unwrap_or_default())
    }

    /// Subtracts each trace's mean and divides by its standard deviation.
    pub fn mean_std() -> Self {
        Self(named("mean_std", Settings::default()).unwrap_or_default())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Name(String),
    Alone((String,)),
    Full(String, Settings),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Settings {
    mode: Option<Mode>,
    #[serde(default)]
    population_wide: bool,
    rows: Option<bool>,
    fixed_value: Option<f64>,
}

impl TryFrom<BTreeMap<String, Words>> for Instructions {
    type Error = EventsError;

    fn try_from(map: BTreeMap<String, Words>) -> Result<Self, EventsError> {
        let mut numbered = Vec::new();
        for (key, words) in map {
            let order: i64 =
                key.trim().parse().map_err(|_| wrong(format!("{key:?} is no number")))?;
            numbered.push((order, words));
        }
        numbered.sort_by_key(|(order, _)| *order);
        let mut steps = Vec::new();
        for (_, words) in numbered {
            let (name, settings) = match words {
                Words::Name(name) | Words::Alone((name,)) => (name, Settings::default()),
                Words::Full(name, settings) => (name, settings),
            };
            steps.extend(named(&name, settings)?);
        }
        Ok(Self(steps))
    }
}

fn wrong(reason: String) -> EventsError {
    EventsError::Parameter { name: "normalize", reason }
}

fn named(name: &str, settings: Settings) -> Result<Vec<Step>, EventsError> {
    let over = match (settings.population_wide, settings.rows.unwrap_or(true)) {
        (true, _) => Over::Population,
        (false, true) => Over::Trace,
        (false, false) => Over::TimePoint,
    };
    let mode = || settings.mode.ok_or_else(|| wrong(format!("{name} needs a mode")));
    Ok(match name {
        "subtract" => vec![Step::Subtract(mode()?, over)],
        "divide" => vec![Step::Divide(mode()?, over)],
        "impute_nan" => vec![Step::ImputeNan(settings.fixed_value)],
        "diff" => vec![Step::Diff],
        "min_max" => vec![Step::Subtract(Mode::Min, over), Step::Divide(Mode::MaxAbs, over)],
        "mean_std" => vec![Step::Subtract(Mode::Mean, over), Step::Divide(Mode::Std, over)],
        _ => {
            let names = "subtract, divide, impute_nan, diff, min_max, mean_std";
            return Err(wrong(format!("no operation {name:?}; there are {names}")));
        }
    })
}

/// Applies operations to traces of any lengths, one after the other. NaN spreads; a trace without
/// samples stays.
///
/// # Errors
/// When numbers per time point are asked of traces of different lengths.
pub fn normalize(traces: &mut [Vec<f64>], instructions: &Instructions) -> Result<(), EventsError> {
    for step in &instructions.0 {
        match step {
            Step::Subtract(mode, over) => with_numbers(traces, *mode, *over, |v, by| *v -= by)?,
            Step::Divide(mode, over) => with_numbers(traces, *mode, *over, |v, by| {
                if by != 0.0 {
                    *v /= by;
                }
            })?,
            Step::ImputeNan(value) => traces.iter_mut().for_each(|trace| impute(trace, *value)),
            Step::Diff => traces.iter_mut().for_each(|trace| difference(trace)),
        }
    }
    Ok(())
}

fn with_numbers(
    traces: &mut [Vec<f64>],
    mode: Mode,
    over: Over,
    apply: fn(&mut f64, f64),
) -> Result<(), EventsError> {
    let is_of_all = matches!(mode, Mode::StdMean | Mode::StdMedian | Mode::StdMax);
    match over {
        _ if is_of_all => apply_all(traces, population(traces, mode), apply),
        Over::Population => apply_all(traces, population(traces, mode), apply),
        Over::Trace => {
            for trace in traces {
                let number = statistic(trace, mode);
                trace.iter_mut().for_each(|v| apply(v, number));
            }
        }
        Over::TimePoint => {
            let length = traces.first().map_or(0, Vec::len);
            if let Some(other) = traces.iter().find(|t| t.len() != length) {
                let lengths = format!("{length} and {}", other.len());
                return Err(wrong(format!("time points need traces of one length, not {lengths}")));
            }
            for i in 0..length {
                let column: Vec<f64> = traces.iter().map(|t| t[i]).collect();
                let number = statistic(&column, mode);
                traces.iter_mut().for_each(|t| apply(&mut t[i], number));
            }
        }
    }
    Ok(())
}

fn apply_all(traces: &mut [Vec<f64>], number: f64, apply: fn(&mut f64, f64)) {
    traces.iter_mut().flatten().for_each(|v| apply(v, number));
}

fn population(traces: &[Vec<f64>], mode: Mode) -> f64 {
    let spreads = || -> Vec<f64> {
        let full = traces.iter().filter(|t| !t.is_empty());
        full.map(|t| statistic(t, Mode::Std)).collect()
    };
    match mode {
        Mode::First => traces.first().map_or(f64::NAN, |trace| statistic(trace, Mode::Mean)),
        Mode::StdMean => statistic(&spreads(), Mode::Mean),
        Mode::StdMedian => statistic(&spreads(), Mode::Median),
        Mode::StdMax => statistic(&spreads(), Mode::Max),
        _ => statistic(&traces.concat(), mode),
    }
}

/// NaN of nothing and where there is a NaN.
fn statistic(values: &[f64], mode: Mode) -> f64 {
    let n = values.len() as f64;
    let Some(first) = values.first().copied() else { return f64::NAN };
    if mode != Mode::First && values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mean = || values.iter().sum::<f64>() / n;
    let magnitudes = values.iter().map(|v| v.abs());
    match mode {
        Mode::First => first,
        Mode::Mean => mean(),
        Mode::Median => median(values),
        Mode::Min => values.iter().copied().fold(first, f64::min),
        Mode::Max => values.iter().copied().fold(first, f64::max),
        Mode::MinAbs => magnitudes.fold(first.abs(), f64::min),
        Mode::MaxAbs => magnitudes.fold(first.abs(), f64::max),
        Mode::Std | Mode::StdMean | Mode::StdMedian | Mode::StdMax => {
            let mean = mean();
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn impute(trace: &mut [f64], value: Option<f64>) {
    if let Some(value) = value {
        trace.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = value);
        return;
    }
    let known: Vec<(usize, f64)> =
        trace.iter().copied().enumerate().filter(|(_, v)| !v.is_nan()).collect();
    for i in 0..trace.len() {
        let next = known.partition_point(|(k, _)| *k < i);
        trace[i] = match (next.checked_sub(1).map(|k| known[k]), known.get(next)) {
            (_, Some((k, v))) if *k == i => *v,
            (Some((a, va)), Some((b, vb))) => va + (vb - va) * (i - a) as f64 / (b - a) as f64,
            (Some((_, v)), None) | (None, Some(&(_, v))) => v,
            (None, None) => f64::NAN,
        };
    }
}

fn difference(trace: &mut [f64]) {
    for i in (1..trace.len()).rev() {
        trace[i] -= trace[i - 1];
    }
    if let Some(first) = trace.first_mut() {
        *first = 0.0;
    }
}
