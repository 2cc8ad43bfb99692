//! Reads a client's frame that begins with its `type`, as clients write them: what follows is read as what it is, while
//! serde would keep it aside first, not knowing whether the `type` has come.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use super::{Ack, ChangeFrame, ClientFrame, CreateFrame, Hello, Read, ReceiptsQuery, Renew, SendFrame};

/// None for what is of any other form, whether it is a frame or not: serde's own reading tells, and says what is wrong.
/// So nothing is taken here that it would refuse, and a field that isn't known is left to it as well.
pub(super) fn read(text: &str) -> Option<ClientFrame> {
    let mut json = serde_json::Deserializer::from_str(text);
    let frame = json.deserialize_map(FrameVisitor).ok()?;
    json.end().ok()?;
    Some(frame)
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = ClientFrame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClientFrame, A::Error> {
        if map.next_key_seed(OneOf(&["type"]))?.is_none() {
            return Err(A::Error::missing_field("type"));
        }
        let name = map.next_value_seed(OneOf(ClientFrame::NAMES))?;
        let fields = Fields(map);
        match name {
            "hello" => Hello::deserialize(fields).map(ClientFrame::Hello),
            "send" => Box::<SendFrame>::deserialize(fields).map(ClientFrame::Send),
            "create" => Box::<CreateFrame>::deserialize(fields).map(ClientFrame::Create),
            "change" => Box::<ChangeFrame>::deserialize(fields).map(ClientFrame::Change),
            "ack" => Ack::deserialize(fields).map(ClientFrame::Ack),
            "read" => Read::deserialize(fields).map(ClientFrame::Read),
            "receipts" => ReceiptsQuery::deserialize(fields).map(ClientFrame::Receipts),
            "renew" => Renew::deserialize(fields).map(ClientFrame::Renew),
            _ => Err(A::Error::custom("a frame without a reader")),
        }
    }
}

/// One of some texts.
struct OneOf(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {:?}", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<&'static str, E> {
        let found = self.0.iter().find(|known| **known == text);
        found.copied().ok_or_else(|| E::custom("a text that isn't known"))
    }
}

/// The fields behind the `type`, all of which must be known.
struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Fields<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("a frame is a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Known { map: self.0, fields })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Known<A> {
    map: A,
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Known<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(name) = self.map.next_key_seed(OneOf(self.fields))? else { return Ok(None) };
        seed.deserialize(IntoDeserializer::<A::Error>::into_deserializer(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_type_are_read_without_serde_s_help() {
        let chat = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";
        let fields = |name: &str| match name {
            "hello" => r#""token":"a.b.c","device":"phone","cursor":"c""#.to_owned(),
            "send" => r#""id":"5","to":"bob","text":"hello","reply_to":2,"mentions":["eve"],"meta":{"a":1}"#.to_owned(),
            "create" => r#""id":"1","members":["bob","eve"],"title":"The bridge""#.to_owned(),
            "change" => format!(r#""id":"6","chat":"{chat}","change":{{"type":"remove","user":"eve"}}"#),
            "ack" => format!(r#""cursor":"c","delivered":{{"{chat}":3}}"#),
            "read" => format!(r#""chat":"{chat}","seq":3"#),
            "receipts" => format!(r#""chats":["{chat}"]"#),
            "renew" => r#""token":"a.b.c""#.to_owned(),
            _ => panic!("no example of {name}"),
        };
        for name in ClientFrame::NAMES {
            let text = format!(r#"{{"type":"{name}",{}}}"#, fields(name));
            let frame = read(&text);
            assert_eq!(frame.as_ref().map(ClientFrame::name), Some(*name), "{text}");
            assert_eq!(frame, serde_json::from_str(&text).ok(), "{text}");
        }
    }
}
