//! Runs the server as a program, and does to it what networks, disks, people and the system do.

mod ahead;
mod bad_input;
mod collector;
mod connections;
mod database;
mod disk;
mod document;
mod edits;
mod fleet;
mod host;
mod http;
mod keys;
mod kill_loop;
mod operator_commands;
mod otlp;
mod publishing;
mod removals;
mod stop;
mod stream;
mod test_server;
mod webhooks;
