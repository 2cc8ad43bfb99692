//! The forms of ids and numbers in JSON, as the documents of the protocol name them. They stand in for the domain's
//! types, which know nothing of documents: a field says `#[schema(value_type = UserId)]`.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        extensions::Extensions,
        schema::{Object, ObjectBuilder, Type},
    },
};

use super::NotResumed;
use crate::Code;

/// What a number may be: Avro has no unsigned ones.
const NUMBER_MAX: i64 = i64::MAX;

/// An enumeration that later versions may add to. The tests hold the server to what is listed.
const OPEN_ENUM: &str = "x-extensible-enum";

macro_rules! forms {
    ($($(#[doc = $doc:literal])+ $name:ident = $form:expr;)*) => {$(
        $(#[doc = $doc])+
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let form: ObjectBuilder = $form;
                described(form, concat!($($doc, "\n"),+))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

forms! {
    /// A user: the `sub` of the token. 1 to 128 bytes of UTF-8 without control characters.
    UserId = text(1, 128, r"^[^\u0000-\u001f\u007f-\u009f]+$").examples([json!("alice")]);
    /// A device, named by itself; unique within its user.
    DeviceId = text(1, 64, "^[A-Za-z0-9._-]+$").examples([json!("my-laptop")]);
    /// A chat: base64url without padding.
    ChatId = text(32, 32, "^[A-Za-z0-9_-]+$").examples([json!("AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS")]);
    /// A device's own number of a message in a chat, from 1 to 9223372036854775807, in decimal digits without leading
    /// zeros.
    MessageId = text(1, 19, "^[1-9][0-9]*$").examples([json!("1")]);
    /// A message id as it was given; `0`, which is none, is refused.
    GivenMessageId = text(1, 19, "^(0|[1-9][0-9]*)$").examples([json!("1")]);
    /// The title of a group: at most 256 bytes.
    Title = text(1, 256, r"\S").examples([json!("The bridge")]);
    /// What clients take for a reference to the picture of a group: at most 1,024 bytes.
    Picture = ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024));
    /// How somebody reacts to a message: at most 64 bytes.
    Reaction = text(1, 64, r"\S").examples([json!("👍")]);
    /// What a member may do in a group. `admin`s say who is in it and what it is called, `owner`s make others owners.
    Role = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["member", "admin", "owner"]));
    /// A session, in decimal digits.
    SessionId = text(1, 19, "^[1-9][0-9]*$").examples([json!("7")]);
    /// The number of a message in its chat, from 1; 0 is before all.
    Seq = number(0, NUMBER_MAX).examples([json!(7)]);
    /// A place among what happened in a chat.
    Version = number(0, NUMBER_MAX);
    /// Milliseconds since 1970-01-01T00:00:00Z.
    TimeMs = number(0, NUMBER_MAX).examples([json!(1_795_542_172_345_i64)]);
    /// A span of milliseconds.
    SpanMs = number(0, u32::MAX.into());
    /// A count of things or of bytes.
    Count = number(0, NUMBER_MAX);
    /// At most so many items; more than 200 counts as 200.
    Limit = number(1, u32::MAX.into()).default(Some(json!(50)));
    /// An HTTP status.
    Status = number(100, 599);
    /// The number of a key of a chat.
    Epoch = number(1, u32::MAX.into());
    /// A place in the user's inbox. Keep it and give it back as it is; it says nothing to clients.
    Cursor = ObjectBuilder::new().schema_type(Type::String);
    /// A place in a list: give it back as it is.
    Place = ObjectBuilder::new().schema_type(Type::String);
    /// A gateway.
    GatewayId = text(1, 48, "^[A-Za-z0-9_-]+$").examples([json!("gateway-0")]);
    /// The reason of a ban: at most 1,024 bytes.
    Reason = ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024));
    /// Bytes in base64. The server writes the padding, and reads with and without.
    Base64 = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_encoding("base64")
        .pattern(Some("^[A-Za-z0-9+/]*={0,2}$"));
    /// A media type.
    ContentType = text(1, 128, "^[ -~]+$").examples([json!("text/plain")]);
    /// The identity provider's token: a JWT with the user as `sub` and an end, `exp`.
    Token = ObjectBuilder::new().schema_type(Type::String).examples([json!("eyJ…")]);
    /// Any JSON of the app's. It counts for the size of the message.
    Meta = ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue);
}

fn described(form: ObjectBuilder, doc: &str) -> RefOr<Schema> {
    let lines: Vec<_> = doc.lines().map(str::trim).collect();
    Schema::from(form.description(Some(lines.join(" ")))).into()
}

fn text(length_min: usize, length_max: usize, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(length_min))
        .max_length(Some(length_max))
        .pattern(Some(pattern))
}

fn number(minimum: i64, maximum: i64) -> ObjectBuilder {
    ObjectBuilder::from(Object::with_type(Type::Integer)).minimum(Some(minimum)).maximum(Some(maximum))
}

/// A text of which later versions know more.
fn open_enum(known: Vec<Value>, doc: &str) -> RefOr<Schema> {
    let extensions = Extensions::builder().add(OPEN_ENUM, known).build();
    described(ObjectBuilder::new().schema_type(Type::String).extensions(Some(extensions)), doc)
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let known = Self::ALL.iter().map(|code| json!(code.as_str())).collect();
        open_enum(known, "Why something failed. Later versions may have more: judge those by `retry`.")
    }
}

impl ToSchema for Code {}

impl PartialSchema for NotResumed {
    fn schema() -> RefOr<Schema> {
        let known = Self::ALL.iter().map(|reason| json!(reason)).collect();
        open_enum(known, "Why a cursor was not taken up. Later versions may have more.")
    }
}

impl ToSchema for NotResumed {}
