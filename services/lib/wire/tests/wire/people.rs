//! Ids by name.

use chasqui_domain::{ChatId, ContentType, DeviceId, GatewayId, UserId};

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

pub(crate) fn gateway(name: &str) -> GatewayId {
    GatewayId::new(name).unwrap()
}

pub(crate) fn content_type(name: &str) -> ContentType {
    ContentType::new(name).unwrap()
}

pub(crate) fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}
