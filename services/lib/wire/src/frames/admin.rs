//! Questions and answers of the admin API.

use chasqui_domain::{DeviceId, TimeMs, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::forms;
use crate::fields::{long, text, text_opt};

/// Why somebody is banned: the body of `PUT /v1/admin/bans/…`, which may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BanRequest {
    /// For operators; at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::Reason>)]
    pub reason: Option<String>,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ban {
    /// Who is banned.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// Only this device of theirs; none when it is the user.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::DeviceId)]
    pub device: Option<DeviceId>,
    /// Since when.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub since: TimeMs,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Reason)]
    pub reason: Option<String>,
}

/// Which bans: `GET /v1/admin/bans` and `GET /v1/admin/bans/{user}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BansQuery {
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
    /// From behind the page that gave this as `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Place, inline)]
    pub after: Option<String>,
}

/// Bans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bans {
    /// In ascending order of user, then of device; that of the user comes first.
    pub bans: Vec<Ban>,
    /// The `after` of the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Place)]
    pub next: Option<String>,
}
