//! Who may call a route: each handler states it by its first argument. [`Routes`](super::routes::Routes) accepts no
//! other handler.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{Problem, origin, session};
use crate::admission::Connection;
use crate::clock::wall;
use crate::keys::{Arrival, Caller, Credential, Denial, Role};
use crate::peer::AddressPrefix;
use crate::sessions::Session;
use crate::state::App;

/// A request whose key has at least the role `R`.
#[derive(Debug)]
pub(super) struct Authorized<R> {
    app: Arc<App>,
    caller: Caller,
    /// The sign-in, where it has no key.
    session: Option<Session>,
    address: IpAddr,
    role: PhantomData<R>,
}

/// A request that needs no key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Public;

/// A role as a type.
pub(super) trait Required: Send + Sync {
    const ROLE: Role;
    /// Whether somebody who has signed in may call the route without a key.
    const TAKES_SESSIONS: bool = true;
}

/// The key of a page.
#[derive(Debug)]
pub(super) struct Client;

/// The key of a page, where only hosts call: they have a key, and no cookie.
#[derive(Debug)]
pub(super) struct Host;

/// The key of a service.
#[derive(Debug)]
pub(super) struct Server;

/// Somebody who looks.
#[derive(Debug)]
pub(super) struct Viewer;

/// Somebody who holds flags.
#[derive(Debug)]
pub(super) struct Operator;

/// Somebody who publishes.
#[derive(Debug)]
pub(super) struct Publisher;

/// Somebody who may do everything.
#[derive(Debug)]
pub(super) struct Admin;

impl Required for Client {
    const ROLE: Role = Role::Client;
}

impl Required for Host {
    const ROLE: Role = Role::Client;
    const TAKES_SESSIONS: bool = false;
}

impl Required for Viewer {
    const ROLE: Role = Role::Viewer;
}

impl Required for Operator {
    const ROLE: Role = Role::Operator;
}

impl Required for Publisher {
    const ROLE: Role = Role::Publisher;
}

impl Required for Server {
    const ROLE: Role = Role::Server;
}

impl Required for Admin {
    const ROLE: Role = Role::Admin;
}

impl<R> Authorized<R> {
    /// The name of the key, for the audit.
    pub(super) fn name(&self) -> String {
        self.caller.name.to_string()
    }

    /// Whose request it is.
    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The address that the request came from, for the audit.
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    /// The sign-in, if the request was admitted by one.
    pub(super) const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Whether the key is still valid, and the sign-in goes on.
    pub(super) fn is_valid(&self) -> bool {
        let now = wall();
        let goes_on = self.session.is_none_or(|session| self.app.sessions.goes_on(&session.hash, now));
        goes_on && self.app.keys.load().still_admit(&self.caller, now)
    }

    /// Refuses a key of a lower role, where the role depends on the request.
    pub(super) fn require(&self, role: Role) -> Result<(), Problem> {
        if self.caller.role >= role { Ok(()) } else { Err(denied(&self.app, Denial::Forbidden)) }
    }
}

impl<R: Required> FromRequestParts<Arc<App>> for Authorized<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let keys = app.keys.load();
        if keys.is_empty() {
            origin::expect_this_machine(parts.version, &parts.headers)?;
        }
        let connection = parts.extensions.get::<Connection>();
        let address = connection.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |connection| connection.address);
        let arrival = Arrival { network: AddressPrefix::of(address), at: wall() };
        let key = key(&parts.headers).map(Credential::Key);
        let session = if key.is_none() && R::TAKES_SESSIONS { session::of_request(app, parts)? } else { None };
        let credential = key.or_else(|| session.map(|session| Credential::Session(session.key)));
        let caller = keys.admit(credential, R::ROLE, arrival).map_err(|denial| denied(app, denial))?;
        if connection.is_some_and(|connection| !connection.place.present(caller.role)) {
            app.shared.counters.refused_connections.add(1);
            return Err(Problem::too_many_connections());
        }
        Ok(Self { app: Arc::clone(app), caller, session, address, role: PhantomData })
    }
}

impl FromRequestParts<Arc<App>> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

pub(super) fn denied(app: &App, denial: Denial) -> Problem {
    app.shared.counters.denied.add(1);
    denial.into()
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    bearer.and_then(|text| text.strip_prefix("Bearer ")).or_else(|| {
        // Clients of OFREP may send this header instead.
        headers.get("x-api-key").and_then(|value| value.to_str().ok())
    })
}
