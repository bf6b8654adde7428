//! All integration tests of the crate in one program, a module per subject.

mod damage;
mod edit;
mod fixes;
mod hints;
mod hostile;
mod layers;
mod outline;
mod partial_results;
mod schema;
mod size;
mod threshold;
