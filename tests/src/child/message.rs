//! The types whose values can come back from a child, as JSON.

use super::Message;
use serde_json::{Value, json};

impl Message for () {
    fn to_json(&self) -> Value {
        Value::Null
    }
    fn from_json(value: &Value) -> Option<Self> {
        value.is_null().then_some(())
    }
}

impl Message for bool {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Message for String {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Message for Value {
    fn to_json(&self) -> Value {
        self.clone()
    }
    fn from_json(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

/// Integers, each by its own range.
macro_rules! integers {
    ($($int:ty),+) => {$(
        impl Message for $int {
            fn to_json(&self) -> Value {
                json!(self)
            }
            fn from_json(value: &Value) -> Option<Self> {
                value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))?.try_into().ok()
            }
        }
    )+};
}
integers!(u8, u16, u32, u64, usize, i32, i64);

impl<T: Message> Message for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, |value| json!([value.to_json()]))
    }
    fn from_json(value: &Value) -> Option<Self> {
        match value.as_array() {
            None => value.is_null().then_some(None),
            Some(items) => Some(Some(T::from_json(items.first()?)?)),
        }
    }
}

impl<T: Message> Message for Vec<T> {
    fn to_json(&self) -> Value {
        self.iter().map(Message::to_json).collect()
    }
    fn from_json(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_json).collect()
    }
}

impl<T: Message, E: Message> Message for Result<T, E> {
    fn to_json(&self) -> Value {
        match self {
            Ok(value) => json!({"ok": value.to_json()}),
            Err(error) => json!({"err": error.to_json()}),
        }
    }
    fn from_json(value: &Value) -> Option<Self> {
        match (value.get("ok"), value.get("err")) {
            (Some(ok), _) => T::from_json(ok).map(Ok),
            (_, err) => E::from_json(err?).map(Err),
        }
    }
}

impl<A: Message, B: Message> Message for (A, B) {
    fn to_json(&self) -> Value {
        json!([self.0.to_json(), self.1.to_json()])
    }
    fn from_json(value: &Value) -> Option<Self> {
        match value.as_array()?.as_slice() {
            [a, b] => Some((A::from_json(a)?, B::from_json(b)?)),
            _ => None,
        }
    }
}
