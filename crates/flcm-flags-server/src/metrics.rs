//! Everything that is measured: which metrics there are, as text for Prometheus, and as OTLP for a collector.

pub(crate) mod catalog;
pub(crate) mod otlp;
pub(crate) mod process;
pub(crate) mod text;
