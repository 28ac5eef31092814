//! The executor conformance suite: one toy workflow on every executor, grid and thread count,
//! with faults on purpose.

mod begin;
mod child;
mod conformance;
mod disk;
mod dry_run;
mod faults;
mod kill;
mod many;
mod ranges;
mod resume;
mod toy;
mod two_step;
mod watching;
