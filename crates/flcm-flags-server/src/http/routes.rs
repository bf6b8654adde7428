//! Routes whose handlers state who may call them. A handler without [`Authorized`] or [`Public`] as its first argument
//! does not compile, so no route can be open by mistake.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};

use super::access::{Authorized, Public};
use crate::state::App;

/// An argument that states who may call a handler.
pub(super) trait Access {}

impl<R> Access for Authorized<R> {}
impl Access for Public {}

/// The arguments of a handler, as axum's [`Handler`] has them, of which the first is an [`Access`].
pub(super) trait Arguments {}

impl<M, A: Access> Arguments for (M, A) {}
impl<M, A: Access, B> Arguments for (M, A, B) {}
impl<M, A: Access, B, C> Arguments for (M, A, B, C) {}
impl<M, A: Access, B, C, D> Arguments for (M, A, B, C, D) {}
impl<M, A: Access, B, C, D, E> Arguments for (M, A, B, C, D, E) {}
impl<M, A: Access, B, C, D, E, F> Arguments for (M, A, B, C, D, E, F) {}

/// The handlers of a path.
#[derive(Debug)]
pub(super) struct Route(MethodRouter<Arc<App>>);

/// All paths and their handlers.
#[derive(Debug, Default)]
pub(super) struct Routes(Router<Arc<App>>);

pub(super) fn delete<H: Handler<T, Arc<App>>, T: Arguments + 'static>(handler: H) -> Route {
    Route(routing::delete(handler))
}

pub(super) fn get<H: Handler<T, Arc<App>>, T: Arguments + 'static>(handler: H) -> Route {
    Route(routing::get(handler))
}

pub(super) fn post<H: Handler<T, Arc<App>>, T: Arguments + 'static>(handler: H) -> Route {
    Route(routing::post(handler))
}

impl Route {
    pub(super) fn get<H: Handler<T, Arc<App>>, T: Arguments + 'static>(self, handler: H) -> Self {
        Self(self.0.get(handler))
    }

    pub(super) fn delete<H: Handler<T, Arc<App>>, T: Arguments + 'static>(self, handler: H) -> Self {
        Self(self.0.delete(handler))
    }

    pub(super) fn put<H: Handler<T, Arc<App>>, T: Arguments + 'static>(self, handler: H) -> Self {
        Self(self.0.put(handler))
    }
}

impl Routes {
    pub(super) fn route(self, path: &str, Route(methods): Route) -> Self {
        Self(self.0.route(path, methods))
    }

    /// The router, to which only fallbacks and layers are added.
    pub(super) fn into_router(self) -> Router<Arc<App>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::Arguments;
    use crate::http::access::{Admin, Authorized, Public};

    /// Does not compile where `$type` implements [`Arguments`]: there are two candidates for `ambiguous` then.
    macro_rules! refused {
        ($type:ty) => {{
            trait Candidate<A> {
                fn ambiguous() {}
            }
            struct Implements;
            impl<T> Candidate<()> for T {}
            impl<T: Arguments> Candidate<Implements> for T {}
            <$type as Candidate<_>>::ambiguous();
        }};
    }

    fn taken<T: Arguments>() {}

    #[test]
    fn a_handler_that_asks_for_no_key_cannot_be_registered() {
        refused!(((),));
        refused!(((), HeaderMap));
        refused!(((), HeaderMap, Authorized<Admin>));
        taken::<((), Authorized<Admin>, HeaderMap)>();
        taken::<((), Public)>();
    }
}
