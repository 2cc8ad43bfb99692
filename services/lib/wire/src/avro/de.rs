//! Reads.

use std::str;

use serde::{
    Deserializer,
    de::{DeserializeSeed, IntoDeserializer, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

use super::Error;

/// The longest text or bytes in a record that is read. Nothing longer is ever written.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;

const CUT: Error = Error::new("it ends too early");

/// Reads values one after the other. Nothing is allocated for a length before the bytes are known to be there.
pub(crate) struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    fn long(&mut self) -> Result<i64, Error> {
        let mut zigzag = 0;
        for (at, &byte) in self.rest.iter().take(10).enumerate() {
            zigzag |= u64::from(byte & 0x7F) << (7 * at);
            if byte < 0x80 {
                // Of the tenth byte, only one bit is left to be used. apache-avro would drop the others.
                if at == 9 && byte > 1 {
                    break;
                }
                self.rest = &self.rest[at + 1..];
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(if self.rest.len() < 10 { CUT } else { Error::new("a number has more than 64 bits") })
    }

    fn take(&mut self, length: usize) -> Result<&'de [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn chunk(&mut self) -> Result<&'de [u8], Error> {
        match usize::try_from(self.long()?) {
            Ok(length) if length <= CHUNK_BYTES_MAX => self.take(length),
            _ => Err(Error::new("a length is out of range")),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::new("a value of this type has no form in records"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u64 u128 f32 f64 char unit unit_struct newtype_struct tuple_struct map identifier
        ignored_any
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.take(1)? {
            [0] => visitor.visit_bool(false),
            [1] => visitor.visit_bool(true),
            _ => Err(Error::new("a boolean is neither true nor false")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let long = self.long()?;
        visitor.visit_u32(u32::try_from(long).map_err(|_| Error::new("a number has more than 32 bits"))?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(self.long()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = str::from_utf8(self.chunk()?).map_err(|_| Error::new("a text is not UTF-8"))?;
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.chunk()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.long()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            _ => Err(Error::new("a union has no such branch")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let index = u32::try_from(self.long()?).map_err(|_| Error::new("an enum has no such symbol"))?;
        visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(index))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut list = List { reader: self, left: 0, is_over: false };
        list.next_block()?;
        let value = visitor.visit_seq(&mut list)?;
        if list.is_over { Ok(value) } else { Err(Error::new("a list is longer than what is read of it")) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        let mut array = Array { left: self.take(length)? };
        let value = visitor.visit_seq(&mut array)?;
        if array.left.is_empty() { Ok(value) } else { Err(Error::new("an array is longer than what is read of it")) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Fields { reader: self, left: fields.len() })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The fields of a record, in their order.
struct Fields<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// An array of bytes.
struct Array<'de> {
    left: &'de [u8],
}

impl<'de> SeqAccess<'de> for Array<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((&byte, left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        seed.deserialize(byte.into_deserializer()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A list, in as many blocks as its writer liked.
struct List<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// How many items of the block are still to come.
    left: usize,
    is_over: bool,
}

impl List<'_, '_> {
    fn next_block(&mut self) -> Result<(), Error> {
        let count = self.reader.long()?;
        if count < 0 {
            // How many bytes the block has, for readers that pass over it.
            self.reader.long()?;
        }
        self.is_over = count == 0;
        self.left = match usize::try_from(count.unsigned_abs()) {
            // No item of a record's lists is without bytes.
            Ok(count) if count <= self.reader.rest.len() => count,
            _ => return Err(Error::new("a list says that it has more items than there can be")),
        };
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for List<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let item = seed.deserialize(&mut *self.reader)?;
        self.left -= 1;
        if self.left == 0 {
            self.next_block()?;
        }
        Ok(Some(item))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}
