//! All integration tests of the crate in one program, a module per subject.

mod command_line;
