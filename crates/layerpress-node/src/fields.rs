//! Readers of fields that package.json and lockfiles have in common.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::json::Json;
use crate::manifest::Pairs;
use crate::trail::Trail;

/// What is wrong with a dependency.
pub(crate) struct Wrong {
    /// Whether it is its name.
    pub(crate) in_name: bool,
    /// What it is.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

/// Names and specifiers, of a name given twice the last; `check` gets each.
pub(crate) struct Specs<'r, C> {
    pub(crate) trail: &'r Trail,
    pub(crate) check: C,
}

impl<'de, C: Fn(&str, &str) -> Result<(), Wrong>> DeserializeSeed<'de> for Specs<'_, C> {
    type Value = Pairs;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Pairs, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, C: Fn(&str, &str) -> Result<(), Wrong>> Visitor<'de> for Specs<'_, C> {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and ranges")
    }

    fn visit_unit<E>(self) -> Result<Pairs, E> {
        Ok(Pairs::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let trail = self.trail;
        let mut pairs = Pairs::new();
        while let Some(name) = map.next_key::<String>()? {
            let spec = trail.below(&name, || {
                let Json::Text(spec) = map.next_value::<Json<'de>>()? else {
                    return Err(A::Error::custom("expected a version or range"));
                };
                match (self.check)(&name, &spec) {
                    Ok(()) => Ok(spec),
                    Err(wrong) if wrong.in_name => {
                        Err(trail.fault_of_name(wrong.message, wrong.hint))
                    }
                    Err(wrong) => Err(trail.fault(wrong.message, wrong.hint)),
                }
            })?;
            pairs.retain(|(other, _)| **other != *name);
            pairs.push((name.into(), spec.as_ref().into()));
        }
        Ok(pairs)
    }
}

/// A list of texts, or one alone, and whether it is.
pub(crate) fn texts<'de, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<(Vec<Arc<str>>, bool), A::Error> {
    let value = map.next_value::<Json<'de>>()?;
    let texts = value.texts();
    let is_whole = match &value {
        Json::List(list) => list.len() == texts.len(),
        other => matches!(other, Json::Text(_) | Json::Null),
    };
    if !is_whole {
        return Err(A::Error::custom("expected a list of texts"));
    }
    let is_lone = value.text().is_some();
    Ok((texts.into_iter().map(Arc::from).collect(), is_lone))
}
