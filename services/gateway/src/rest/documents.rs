//! What the document of the API says beside its routes: who may ask, and what answers that fail look like.

use std::collections::BTreeMap;

use chasqui_wire::{Code, frames::Problem, protocol};
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, Content, Info, OpenApi, Paths, Ref, RefOr, Response, ResponseBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// What every request may be answered.
const ALWAYS: &[Code] = &[
    Code::BadFrame,
    Code::Unauthorized,
    Code::TokenExpired,
    Code::Banned,
    Code::RequestTooLarge,
    Code::RateLimited,
    Code::TooManyConnections,
    Code::ServerError,
    Code::Unavailable,
    Code::Draining,
    Code::DiskFull,
];

/// The document without its routes.
pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("Chasqui", protocol::VERSION);
    let description = "What is asked over HTTP. Frames that go over the socket are in `/asyncapi.json`, and how all of \
        it belongs together is told at `/docs`. Every request can be repeated without harm. Pass over fields that you \
        don't know: later servers may have more.";
    info.description = Some(description.to_owned());
    let bearer = |description: &str| {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some(description.to_owned());
        SecurityScheme::Http(http)
    };
    let components = ComponentsBuilder::new()
        .security_scheme("user", bearer("The identity provider's token of the user: a JWT."))
        .security_scheme("admin", bearer("The operator's token, the option `admin.token`."));
    let mut problem = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem);
    let mut document = OpenApi::new(info, Paths::new());
    document.components = Some(components.schemas_from_iter(problem).build());
    document
}

/// Of a request that asks for no chat.
pub(crate) enum Problems {}

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[])
    }
}

/// Of a request for a chat.
pub(crate) enum ChatProblems {}

impl IntoResponses for ChatProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[Code::NotAMember, Code::NotFound])
    }
}

/// Of a request that names a place in a chat.
pub(crate) enum SeqProblems {}

impl IntoResponses for SeqProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[Code::NotAMember, Code::NotFound, Code::SeqAhead])
    }
}

/// Of a request for the socket.
pub(crate) enum SocketProblems {}

impl IntoResponses for SocketProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[Code::UpgradeRequired])
    }
}

/// Of a request of an operator; what there is nothing of is an API that is off.
pub enum AdminProblems {}

impl IntoResponses for AdminProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[Code::NotFound])
    }
}

fn problems(beside: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in ALWAYS.iter().chain(beside) {
        by_status.entry(code.status()).or_default().push(format!("`{}`: {}", code.as_str(), code.meaning()));
    }
    let response = |meanings: Vec<String>| {
        let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
        let response = ResponseBuilder::new().description(meanings.join(" ")).content(Problem::MEDIA_TYPE, problem);
        RefOr::T(response.build())
    };
    by_status.into_iter().map(|(status, meanings)| (status.to_string(), response(meanings))).collect()
}
