//! The executor conformance suite: one toy workflow on every executor, grid and thread count,
//! with faults on purpose.

mod begin;
mod child;
mod conformance;
mod faults;
mod kill;
mod ranges;
mod resume;
mod toy;
