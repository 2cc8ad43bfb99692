//! The encoding by itself. That records have it right is tested with all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Reader, Writer};

fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Writer::new(&mut bytes)).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The value, and how many bytes are left.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), String> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
    Ok((value, reader.rest().len()))
}

#[test]
fn numbers_have_one_to_ten_bytes() {
    let shifted = (0..63).flat_map(|bits| [(1_i64 << bits) - 1, 1 << bits]);
    for number in shifted.chain([i64::MAX]).flat_map(|number| [number, -number, -number - 1]) {
        let bytes = write(&number).unwrap();
        let zigzag = if number < 0 { !(number as u64) << 1 | 1 } else { (number as u64) << 1 };
        assert_eq!(bytes.len(), (64 - zigzag.leading_zeros() as usize).div_ceil(7).max(1), "{number}");
        assert_eq!(read(&bytes), Ok((number, 0)));
        for length in 0..bytes.len() {
            assert!(read::<i64>(&bytes[..length]).is_err(), "{length} bytes of {number}");
        }
        assert_eq!(read::<u32>(&bytes).ok(), u32::try_from(number).ok().map(|number| (number, 0)));
    }
    assert_eq!((write(&-1_i64), write(&64_i64)), (Ok(vec![1]), Ok(vec![0x80, 1])));
    for wrong in [[0xFF; 10], [0x80; 10]] {
        assert!(read::<i64>(&wrong).is_err());
    }
    assert!(read::<i64>(&[&[0x80; 9][..], &[2]].concat()).is_err());
    assert_eq!(read::<i64>(&[&[0x80; 9][..], &[1]].concat()), Ok((1 << 62, 0)));
}

#[test]
fn what_has_no_form_is_an_error() {
    #[derive(Serialize, Deserialize)]
    struct Unit;
    #[derive(Serialize, Deserialize)]
    struct Wrapped(i64);
    #[derive(Serialize, Deserialize)]
    enum Either {
        Payload(i64),
        Fields { one: i64 },
    }

    fn neither<T: Serialize + DeserializeOwned>(value: &T) {
        let what = std::any::type_name::<T>();
        assert!(write(value).is_err(), "{what} was written");
        assert!(read::<T>(&[2; 64]).is_err(), "{what} was read");
    }

    neither(&1_u8);
    neither(&1_u16);
    neither(&1_u64);
    neither(&1_u128);
    neither(&1_i8);
    neither(&1_i16);
    neither(&1_i32);
    neither(&1_i128);
    neither(&1.0_f32);
    neither(&1.0_f64);
    neither(&'a');
    neither(&());
    neither(&Unit);
    neither(&Wrapped(1));
    neither(&Either::Payload(1));
    neither(&Either::Fields { one: 1 });
    neither(&BTreeMap::from([(String::new(), 1_i64)]));
    assert!(write(&(1_i64, 2_i64)).is_err() && write(&[1_u32; 2]).is_err() && write(&(1_u8, "x")).is_err());
    assert!(read::<serde_json::Value>(&[2; 64]).is_err());
}

#[test]
fn lists_and_arrays_are_as_long_as_they_say() {
    struct Says(Option<usize>);

    impl Serialize for Says {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut list = serializer.serialize_seq(self.0)?;
            list.serialize_element(&1_i64)?;
            list.serialize_element(&1_i64)?;
            list.end()
        }
    }

    assert_eq!(write(&Says(Some(2))), Ok(vec![4, 2, 2, 0]));
    for wrong in [None, Some(0), Some(1), Some(3)] {
        assert!(write(&Says(wrong)).is_err(), "{wrong:?}");
    }
    assert_eq!(write(&[7_u8; 3]), Ok(vec![7; 3]));
    assert_eq!(read::<[u8; 3]>(&[7; 4]), Ok(([7; 3], 1)));
    assert!(read::<[u8; 3]>(&[7; 2]).is_err());
}

#[test]
fn a_branch_a_boolean_and_a_symbol_are_known_ones() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        One,
        Other,
    }

    assert_eq!(read(&write(&Kind::Other).unwrap()), Ok((Kind::Other, 0)));
    assert_eq!(read(&write(&Some(true)).unwrap()), Ok((Some(true), 0)));
    assert_eq!(write(&None::<bool>), Ok(vec![0]));
    for byte in [1, 4, 5, 0x7F] {
        assert!(read::<Kind>(&[byte]).is_err() && read::<Option<bool>>(&[byte, 0]).is_err(), "{byte}");
    }
    assert!(read::<bool>(&[2]).is_err() && read::<bool>(&[]).is_err());
    assert_eq!(read(&write(&Kind::One).unwrap()), Ok((Kind::One, 0)));
}

#[test]
fn texts_are_utf_8() {
    assert_eq!(read::<String>(&[4, 0xC3, 0xB1]), Ok(("ñ".to_owned(), 0)));
    assert!(read::<String>(&[2, 0xC3]).is_err() && read::<String>(&[4, 0xC3]).is_err());
}
