//! `HotDoor` of the contract by bare N-API. What napi-derive makes takes three times as long for these five: it
//! converts arguments, which here lie in memory that is shared, and keeps a scope for values, of which here is one.
#![expect(unsafe_code, reason = "N-API is C: each use says why it is sound")]

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use flcm_flags_engine::{Engine, SIZE};
use napi::bindgen_prelude::{ArrayBuffer, JsValue, Object};
use napi::{Env, Status, check_status, sys};
use napi_derive::napi;

use crate::with_engine;

/// What answers when a call panics, which none does: that the handle names nothing.
const PANICKED: i32 = -1;

/// The calls that must be fast, over this memory, which belongs to them from now on: nobody else may detach it.
///
/// # Errors
/// The memory has the wrong size, or Node refuses.
#[napi(
    catch_unwind,
    ts_args_type = "memory: ArrayBuffer",
    ts_return_type = "{ flag(): number; bind(): number; decide(): number; decideOnce(): number; decideAll(): number }"
)]
pub fn hot(env: Env, memory: ArrayBuffer<'_>) -> napi::Result<Object<'_>> {
    if memory.len() != SIZE {
        return Err(napi::Error::new(Status::InvalidArg, format!("the memory must have {SIZE} bytes")));
    }
    let address = keep(env, &memory)?;
    let mut object = Object::new(&env)?;
    add(env, &mut object, c"flag", call::<Flag>, address)?;
    add(env, &mut object, c"bind", call::<Bind>, address)?;
    add(env, &mut object, c"decide", call::<Decide>, address)?;
    add(env, &mut object, c"decideOnce", call::<DecideOnce>, address)?;
    add(env, &mut object, c"decideAll", call::<DecideAll>, address)?;
    Ok(object)
}

/// Keeps the memory for as long as the environment lives, and answers where it is.
fn keep(env: Env, memory: &ArrayBuffer<'_>) -> napi::Result<*mut c_void> {
    let (mut address, mut reference) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both are values of this environment, and the results go to places that live until the calls return. The
    // reference is never given back, so the memory is never collected; V8 does not move what an `ArrayBuffer` holds.
    let statuses = unsafe {
        [
            sys::napi_get_arraybuffer_info(env.raw(), memory.raw(), &raw mut address, ptr::null_mut()),
            sys::napi_create_reference(env.raw(), memory.raw(), 1, &raw mut reference),
        ]
    };
    statuses.into_iter().try_for_each(|status| check_status!(status))?;
    Ok(address)
}

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Adds a function to the object, which is called with this address.
fn add(env: Env, object: &mut Object<'_>, name: &CStr, callback: Callback, address: *mut c_void) -> napi::Result<()> {
    let mut function = ptr::null_mut();
    let length = name.count_bytes().cast_signed();
    // SAFETY: the name and the result live until the calls return; the object belongs to this environment.
    let statuses = unsafe {
        [
            sys::napi_create_function(env.raw(), name.as_ptr(), length, Some(callback), address, &raw mut function),
            sys::napi_set_named_property(env.raw(), object.raw(), name.as_ptr(), function),
        ]
    };
    statuses.into_iter().try_for_each(|status| check_status!(status))
}

/// A call of the engine over the shared memory.
trait Call {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32;
}

struct Flag;
struct Bind;
struct Decide;
struct DecideOnce;
struct DecideAll;

impl Call for Flag {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
        engine.flag(shared)
    }
}

impl Call for Bind {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
        engine.bind(shared)
    }
}

impl Call for Decide {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
        engine.decide(shared)
    }
}

impl Call for DecideOnce {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
        engine.decide_once(shared)
    }
}

impl Call for DecideAll {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
        engine.decide_all(shared)
    }
}

/// What Node calls.
unsafe extern "C" fn call<C: Call>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut address, mut answer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node passes both for the time of this call; nothing is asked for but the address that `add` gave.
    unsafe {
        sys::napi_get_cb_info(env, info, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &raw mut address);
    }
    // SAFETY: `hot` has seen that `SIZE` bytes begin at the address, and `keep` keeps them. JavaScript, which alone can
    // reach them besides, waits for this call, and the engine calls nothing of JavaScript's.
    let shared = unsafe { slice::from_raw_parts_mut(address.cast::<u8>(), SIZE) };
    let called = catch_unwind(AssertUnwindSafe(|| with_engine(|engine| C::call(engine, shared))));
    // SAFETY: the environment is that of this call, and the result goes to a place that lives until it returns.
    unsafe {
        sys::napi_create_int32(env, called.unwrap_or(PANICKED), &raw mut answer);
    }
    answer
}
