//! Tells the linker that Node has the functions which the addon calls.

fn main() {
    napi_build::setup();
}
