//! Events by cluster and group.

use std::collections::{BTreeMap, BTreeSet};

use super::{Events, Values};
use crate::EventsError;

/// Labels by the number of the event's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupTable {
    labels: BTreeMap<u64, i64>,
    default: i64,
}

impl LookupTable {
    /// The label of a row; the default where it has none.
    pub fn get(&self, index: u64) -> i64 {
        self.labels.get(&index).copied().unwrap_or(self.default)
    }

    /// Rows and labels, by row.
    pub fn iter(&self) -> impl Iterator<Item = (u64, i64)> + '_ {
        self.labels.iter().map(|(index, label)| (*index, *label))
    }
}

/// How many events of each cluster each group has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Rows: clusters, ascending.
    pub clusters: Vec<i64>,
    /// Columns: groups, ascending, or `count` alone.
    pub groups: Vec<String>,
    /// By cluster and group; pairs that are not there have 0.
    pub counts: Vec<Vec<u64>>,
}

/// Events per unit of time, of each cluster and group.
#[derive(Debug, Clone, PartialEq)]
pub struct Frequency {
    /// What was counted.
    pub counts: Counts,
    /// The counts divided by the duration.
    pub rates: Vec<Vec<f64>>,
}

/// A column within a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The group, `None` for all events.
    pub group: Option<String>,
    /// The column.
    pub column: String,
    /// Values that are not null.
    pub n: u64,
    /// Their mean, null of none.
    pub mean: Option<f64>,
    /// Their standard deviation, divided by n - 1; null of fewer than two.
    pub sd: Option<f64>,
}

impl Events {
    /// Labels in the order of the table by the rows' numbers; all others have `default`.
    ///
    /// # Errors
    /// When there is not one label per event.
    pub fn lookup_table(&self, labels: &[i64], default: i64) -> Result<LookupTable, EventsError> {
        if labels.len() != self.len() {
            let (expected, found) = (vec![self.len()], vec![labels.len()]);
            return Err(EventsError::Shape { what: "labels", expected, found });
        }
        let labels = self.index.iter().copied().zip(labels.iter().copied()).collect();
        Ok(LookupTable { labels, default })
    }

    /// Puts the labels of a lookup table into a column; true when it replaced one (say so to the user).
    ///
    /// # Errors
    /// As [`Events::set_column`].
    pub fn add_clustering(&mut self, table: &LookupTable, name: &str) -> Result<bool, EventsError> {
        let labels = self.index.iter().map(|index| Some(table.get(*index))).collect();
        self.set_column(name, Values::Integers(labels))
    }

    /// Counts events by cluster, and by group where a column of groups is named. Events without either
    /// are not counted.
    ///
    /// # Errors
    /// When a column is not there, or holds neither words nor whole numbers.
    pub fn counts_per_cluster(
        &self,
        cluster: &str,
        group: Option<&str>,
    ) -> Result<Counts, EventsError> {
        let Values::Integers(clusters) = self.column(cluster)? else {
            return Err(Self::wrong_kind(cluster, self.column(cluster)?, "whole numbers"));
        };
        let groups = match group {
            Some(group) => self.words(group)?,
            None => vec![Some("count".to_owned()); self.len()],
        };
        let pairs: Vec<(i64, &String)> =
            clusters.iter().zip(&groups).filter_map(|(c, g)| Some(((*c)?, g.as_ref()?))).collect();
        let rows: BTreeSet<i64> = pairs.iter().map(|(c, _)| *c).collect();
        let columns: BTreeSet<&String> = pairs.iter().map(|(_, g)| *g).collect();
        let mut table: BTreeMap<(i64, &String), u64> = BTreeMap::new();
        pairs.iter().for_each(|pair| *table.entry(*pair).or_default() += 1);
        let count = |c: i64, g: &String| table.get(&(c, g)).copied().unwrap_or(0);
        Ok(Counts {
            counts: rows.iter().map(|c| columns.iter().map(|g| count(*c, g)).collect()).collect(),
            clusters: rows.into_iter().collect(),
            groups: columns.into_iter().cloned().collect(),
        })
    }

    /// Events per unit of time by cluster and group, of recordings that last `duration` each.
    ///
    /// Without a cluster column all events are of cluster 0. Where the table was joined from several
    /// folders (`event_dir`), a group's duration is that of its folders together.
    ///
    /// # Errors
    /// When the duration is not positive, or as [`Events::counts_per_cluster`].
    pub fn frequency(
        &self,
        cluster: Option<&str>,
        group: Option<&str>,
        duration: f64,
    ) -> Result<Frequency, EventsError> {
        if !(duration > 0.0 && duration.is_finite()) {
            let reason = format!("{duration} is no duration");
            return Err(EventsError::Parameter { name: "duration", reason });
        }
        let counts = match cluster {
            Some(cluster) => self.counts_per_cluster(cluster, group)?,
            None => {
                let mut table = self.clone();
                table.set_column("cluster", Values::Integers(vec![Some(0); self.len()]))?;
                table.counts_per_cluster("cluster", group)?
            }
        };
        let groups = match group {
            Some(group) => self.words(group)?,
            None => vec![Some("count".to_owned()); self.len()],
        };
        let folders = match self.column("event_dir") {
            Ok(_) => self.words("event_dir")?,
            Err(_) => vec![None; self.len()],
        };
        let recordings = |name: &String| {
            let of_group = groups.iter().zip(&folders).filter(|(g, _)| g.as_ref() == Some(name));
            of_group.map(|(_, folder)| folder).collect::<BTreeSet<_>>().len().max(1)
        };
        let durations: Vec<f64> =
            counts.groups.iter().map(|g| duration * recordings(g) as f64).collect();
        let rate =
            |row: &Vec<u64>| row.iter().zip(&durations).map(|(n, d)| *n as f64 / d).collect();
        Ok(Frequency { rates: counts.counts.iter().map(rate).collect(), counts })
    }

    /// Mean, standard deviation and number of every column of numbers, in every group: groups
    /// ascending, columns in order.
    ///
    /// # Errors
    /// When the column of groups is not there, or holds neither words nor whole numbers.
    pub fn summary_statistics(&self, group: Option<&str>) -> Result<Vec<Summary>, EventsError> {
        let groups = match group {
            Some(group) => self.words(group)?,
            None => vec![None; self.len()],
        };
        let names: BTreeSet<&Option<String>> =
            groups.iter().filter(|g| group.is_none() || g.is_some()).collect();
        let mut summaries = Vec::new();
        for name in names {
            for (column, values) in self.columns.iter().filter(|(c, _)| Some(c.as_str()) != group) {
                let Some(numbers) = values.as_numbers() else { continue };
                let of_group = numbers.iter().zip(&groups).filter(|(_, g)| *g == name);
                let numbers: Vec<f64> = of_group.filter_map(|(v, _)| *v).collect();
                let (mean, sd) = mean_and_sd(&numbers);
                let (group, column) = (name.clone(), column.clone());
                summaries.push(Summary { group, column, n: numbers.len() as u64, mean, sd });
            }
        }
        Ok(summaries)
    }
}

fn mean_and_sd(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let sd = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
    ((!values.is_empty()).then_some(mean), sd)
}
