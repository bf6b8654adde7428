//! Runs the server as a program, and does to it what networks, disks, people and the system do.

mod bad_input;
mod collector;
mod connections;
mod database;
mod desk;
mod disk;
mod document;
mod fleet;
mod host;
mod http;
mod keys;
mod kill_loop;
mod otlp;
mod people;
mod publishing;
mod stop;
mod stream;
mod webhooks;
