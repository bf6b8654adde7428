//! `HotCalls` of the contract by bare N-API. What napi-derive makes takes three times as long for these nine: it
//! converts arguments, which here lie in memory that is shared, and keeps a scope for values, of which here is one.
#![expect(unsafe_code, reason = "N-API is C: each use states why it is sound")]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use flcm_flags_ffi::{Engine, SIZE};
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
    ts_return_type = "{ flag(): number; bind(): number; decide(): number; decideOnce(): number; decideAll(): number; count(): number; countWritten(): number; leftOutBy(): number; outcome(): number }"
)]
pub fn hot(env: Env, memory: ArrayBuffer<'_>) -> napi::Result<Object<'_>> {
    if memory.len() != SIZE {
        return Err(napi::Error::new(Status::InvalidArg, format!("the memory must have {SIZE} bytes")));
    }
    let mut object = Object::new(&env)?;
    add(env, &mut object, &memory, c"flag", call::<Flag>)?;
    add(env, &mut object, &memory, c"bind", call::<Bind>)?;
    add(env, &mut object, &memory, c"decide", call::<Decide>)?;
    add(env, &mut object, &memory, c"decideOnce", call::<DecideOnce>)?;
    add(env, &mut object, &memory, c"decideAll", call::<DecideAll>)?;
    add(env, &mut object, &memory, c"count", call::<Count>)?;
    add(env, &mut object, &memory, c"countWritten", call::<CountWritten>)?;
    add(env, &mut object, &memory, c"leftOutBy", call::<LeftOutBy>)?;
    add(env, &mut object, &memory, c"outcome", call::<RecordOutcome>)?;
    Ok(object)
}

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Adds a function to the object. The memory is a constant property of the function: so it lives as long as anyone can
/// call, and no longer.
fn add(
    env: Env,
    object: &mut Object<'_>,
    memory: &ArrayBuffer<'_>,
    name: &CStr,
    callback: Callback,
) -> napi::Result<()> {
    let (mut address, mut function) = (ptr::null_mut(), ptr::null_mut());
    let length = name.count_bytes().cast_signed();
    let descriptor = sys::napi_property_descriptor {
        utf8name: c"memory".as_ptr(),
        name: ptr::null_mut(),
        method: None,
        getter: None,
        setter: None,
        value: memory.raw(),
        attributes: sys::PropertyAttributes::default,
        data: ptr::null_mut(),
    };
    // SAFETY: memory and object are values of this environment, names and results live until the calls return. V8 does
    // not move what an `ArrayBuffer` holds.
    let statuses = unsafe {
        [
            sys::napi_get_arraybuffer_info(env.raw(), memory.raw(), &raw mut address, ptr::null_mut()),
            sys::napi_create_function(env.raw(), name.as_ptr(), length, Some(callback), address, &raw mut function),
            sys::napi_define_properties(env.raw(), function, 1, &raw const descriptor),
            sys::napi_set_named_property(env.raw(), object.raw(), name.as_ptr(), function),
        ]
    };
    statuses.into_iter().try_for_each(|status| check_status!(status))
}

/// A call of the engine over the shared memory.
trait Call {
    fn call(engine: &mut Engine, shared: &mut [u8]) -> i32;
}

/// A type for each call, because what Node calls is a function without a receiver.
macro_rules! calls {
    ($($name:ident = $method:ident,)*) => {
        $(
            struct $name;

            impl Call for $name {
                fn call(engine: &mut Engine, shared: &mut [u8]) -> i32 {
                    engine.$method(shared)
                }
            }
        )*
    };
}

calls! {
    Flag = flag,
    Bind = bind,
    Decide = decide,
    DecideOnce = decide_once,
    DecideAll = decide_all,
    Count = count,
    CountWritten = count_written,
    LeftOutBy = left_out_by,
    RecordOutcome = outcome,
}

/// What Node calls.
unsafe extern "C" fn call<C: Call>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut address, mut answer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node passes both for the time of this call; nothing is asked for but the address that `add` gave.
    unsafe {
        sys::napi_get_cb_info(env, info, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &raw mut address);
    }
    // SAFETY: `hot` has seen that `SIZE` bytes begin at the address, and `add` keeps them for as long as the function
    // lives. JavaScript, which alone can reach them besides, waits for this call, and the engine calls nothing of its.
    let shared = unsafe { slice::from_raw_parts_mut(address.cast::<u8>(), SIZE) };
    let called = catch_unwind(AssertUnwindSafe(|| with_engine(|engine| C::call(engine, shared))));
    // SAFETY: the environment is that of this call, and the result goes to a slot that lives until it returns.
    unsafe {
        sys::napi_create_int32(env, called.unwrap_or(PANICKED), &raw mut answer);
    }
    answer
}
