//! Writes.

use serde::{
    Serialize, Serializer,
    ser::{Impossible, SerializeSeq, SerializeStruct, SerializeTuple},
};

use super::Error;

const NO_FORM: Error = Error::new("a value of this type has no form in records");

/// Writes a value behind what is in `bytes`.
pub(crate) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    /// How many bytes of an array are still to come; only within one are there single bytes.
    array_left: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, array_left: 0 }
    }

    /// Zigzag, then seven bits a byte, the lowest first.
    fn long(&mut self, number: i64) {
        let mut left = ((number << 1) ^ (number >> 63)) as u64;
        while left > 0x7F {
            self.bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.bytes.push(left as u8);
    }

    fn chunk(&mut self, bytes: &[u8]) {
        // No slice is longer than i64::MAX bytes.
        self.long(bytes.len() as i64);
        self.bytes.extend_from_slice(bytes);
    }
}

macro_rules! no_form {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, _: $type) -> Result<(), Error> {
            Err(NO_FORM)
        }
    )*};
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<Self>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.bytes.push(value.into());
        Ok(())
    }

    fn serialize_u8(self, byte: u8) -> Result<(), Error> {
        self.array_left = self.array_left.checked_sub(1).ok_or(NO_FORM)?;
        self.bytes.push(byte);
        Ok(())
    }

    fn serialize_u32(self, number: u32) -> Result<(), Error> {
        self.long(number.into());
        Ok(())
    }

    fn serialize_i64(self, number: i64) -> Result<(), Error> {
        self.long(number);
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.chunk(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.chunk(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.long(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.long(1);
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.long(index.into());
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<Self>, Error> {
        // apache-avro would write such a list in blocks of another form.
        let length = length.ok_or(Error::new("a list must know its length"))?;
        if length > 0 {
            self.long(length as i64);
        }
        Ok(List { writer: self, left: length })
    }

    fn serialize_tuple(self, length: usize) -> Result<Self, Error> {
        self.array_left = length;
        self.bytes.reserve(length);
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    no_form! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_u16: u16, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_unit_struct: &'static str
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Err(NO_FORM)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Error> {
        Err(NO_FORM)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(NO_FORM)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Impossible<(), Error>, Error> {
        Err(NO_FORM)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        Err(NO_FORM)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Impossible<(), Error>, Error> {
        Err(NO_FORM)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        Err(NO_FORM)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl SerializeStruct for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn skip_field(&mut self, _: &'static str) -> Result<(), Error> {
        Err(Error::new("a field of a record is always written"))
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// An array of bytes.
impl SerializeTuple for &mut Writer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let left = self.array_left;
        value.serialize(&mut **self)?;
        if self.array_left + 1 == left { Ok(()) } else { Err(NO_FORM) }
    }

    fn end(self) -> Result<(), Error> {
        if self.array_left == 0 { Ok(()) } else { Err(Error::new("an array is shorter than it says")) }
    }
}

/// A list: one block, and the end.
pub(crate) struct List<W> {
    writer: W,
    left: usize,
}

impl SerializeSeq for List<&mut Writer<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.left = self.left.checked_sub(1).ok_or(Error::new("a list is longer than it says"))?;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        if self.left > 0 {
            return Err(Error::new("a list is shorter than it says"));
        }
        self.writer.long(0);
        Ok(())
    }
}
