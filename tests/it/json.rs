//! JSON with its order kept, and nothing else: the order of the fields of an item is part of what is checked, and
//! `serde_json::Value` sorts them. Turning on its `preserve_order` feature here would change the product under test.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    /// Member of an object, `Null` when it is absent or the value is no object.
    pub fn get(&self, key: &str) -> &Json {
        match self {
            Json::Map(members) => members.iter().find(|(name, _)| name == key).map_or(&Json::Null, |(_, value)| value),
            _ => &Json::Null,
        }
    }

    /// Text of a string, empty for everything else.
    pub fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            _ => "",
        }
    }

    /// Elements of an array, none for everything else.
    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// Members of an object, none for everything else.
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Map(members) => members,
            _ => &[],
        }
    }

    /// Name of the type; a list is named after its first element.
    pub fn type_name(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(_) => "boolean".to_owned(),
            Json::Integer(_) => "integer".to_owned(),
            Json::Float(_) => "float".to_owned(),
            Json::Text(_) => "string".to_owned(),
            Json::List(items) => format!("list of {}", items.first().map_or("nothing".to_owned(), Json::type_name)),
            Json::Map(_) => "object".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Integer(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Integer(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Json::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Map(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[test]
fn keeps_the_order_and_the_types_of_members() {
    let json: Json = serde_json::from_str(r#"{"b":1,"a":[0.5,null],"c":{"z":"x","y":-2}}"#).expect("it is JSON");
    let keys: Vec<&str> = json.members().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["b", "a", "c"]);
    assert_eq!(json.get("a"), &Json::List(vec![Json::Float(0.5), Json::Null]));
    assert_eq!(json.get("c").get("y"), &Json::Integer(-2));
    assert_eq!(json.get("d"), &Json::Null);
}
