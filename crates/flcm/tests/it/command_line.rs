//! Runs the binary, as a person or a script would.

mod check;
mod compile;
mod decide;
mod demo;
mod diff;
mod explain;
mod hostile;
mod run;
mod serve;
mod set;
mod sign;
mod simulate;
mod stream;
mod types;
mod usage;
