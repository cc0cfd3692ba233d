//! [`fingerprint`]: what a JSON text says, as one number.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::Xxh3;

/// A number that is equal for texts that say the same: the same values under the same names in the
/// same order, however spaced and escaped. Texts under the name `except` count as equal to each other.
///
/// # Errors
/// What is no JSON.
pub(super) fn fingerprint(json: &[u8], except: Option<&str>) -> Result<u128, serde_json::Error> {
    let mut hash = Xxh3::new();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Value {
        hash: &mut hash,
        except,
        blank: false,
    };
    value.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(hash.digest128())
}

/// A value on its way into the hash.
struct Value<'a> {
    hash: &'a mut Xxh3,
    except: Option<&'a str>,
    /// Whether it does not count if it is a text.
    blank: bool,
}

impl Value<'_> {
    /// No two values come to the same sequence of these: lengths stand before what they measure.
    fn put<E>(self, kind: u8, bytes: &[u8]) -> Result<(), E> {
        self.hash.update(&[kind]);
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(b'n', b"")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(b'b', &[u8::from(value)])
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(b'u', &value.to_le_bytes())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(b'i', &value.to_le_bytes())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(b'f', &value.to_bits().to_le_bytes())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let value = if self.blank { "" } else { value };
        self.put(b's', value.as_bytes())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        self.hash.update(b"[");
        loop {
            let value = Value {
                hash: &mut *self.hash,
                except: self.except,
                blank: false,
            };
            if values.next_element_seed(value)?.is_none() {
                break;
            }
        }
        self.hash.update(b"]");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        self.hash.update(b"{");
        while let Some(name) = values.next_key::<String>()? {
            let blank = self.except == Some(&*name);
            self.hash.update(b"k");
            self.hash.update(&(name.len() as u64).to_le_bytes());
            self.hash.update(name.as_bytes());
            values.next_value_seed(Value {
                hash: &mut *self.hash,
                except: self.except,
                blank,
            })?;
        }
        self.hash.update(b"}");
        Ok(())
    }
}
