//! Parquet with nested columns: rows as the JSON objects they would be in a file of JSON lines.
//!
//! It uses the crate below polars, since polars itself reads structs only with a further feature.

use std::io::Cursor;
use std::path::Path;

use polars_arrow::array::{Array, BooleanArray, ListArray, PrimitiveArray, StructArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field};
use polars_arrow::types::NativeType;
use polars_parquet::read::{
    BasicDecompressor, PageReader, RowGroupMetadata, column_iter_to_arrays, infer_schema, read_metadata,
};
use serde_json::{Map, Value};

use super::CorpusError;
use super::parquet::{Fault, guarded};
use crate::pages;

/// The rows, with the columns that `fields` name or (before a dot) reach into.
pub fn read(path: &Path, fields: &[&str]) -> Result<Vec<Map<String, Value>>, CorpusError> {
    let bytes = std::fs::read(path).map_err(|source| CorpusError::Read { path: path.to_owned(), source })?;
    guarded(path, || {
        pages::check(&bytes).map_err(Fault::Damaged)?;
        rows(&bytes, fields)
    })
}

fn rows(bytes: &[u8], fields: &[&str]) -> Result<Vec<Map<String, Value>>, Fault> {
    let metadata = read_metadata(&mut Cursor::new(bytes))?;
    let schema = infer_schema(&metadata)?;
    let columns = columns(&schema, fields)?;
    let mut rows = Vec::new();
    for group in &metadata.row_groups {
        let start = rows.len();
        for column in &columns {
            let values = values(bytes, group, column)?;
            if values.len() != group.num_rows() {
                return Err(Fault::Damaged(format!("`{}` has another number of rows than its group", column.name)));
            }
            // Only now it is known that the number was not made up by a damaged header.
            rows.resize(start + values.len(), Map::new());
            for (row, value) in rows[start..].iter_mut().zip(values) {
                row.insert(column.name.to_string(), value);
            }
        }
    }
    Ok(rows)
}

/// The columns that `fields` need, each once.
fn columns<'a>(schema: &'a ArrowSchema, fields: &[&str]) -> Result<Vec<&'a Field>, Fault> {
    let mut columns: Vec<&Field> = Vec::new();
    for &field in fields {
        let outer = field.split_once('.').map_or(field, |(outer, _)| outer);
        let Some(column) = schema.get(field).or_else(|| schema.get(outer)) else {
            return Err(Fault::no_column(outer, &schema.iter_names().map(|name| name.as_str()).collect::<Vec<_>>()));
        };
        if !columns.iter().any(|known| known.name == column.name) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// The values of a column in a group of rows.
fn values(bytes: &[u8], group: &RowGroupMetadata, column: &Field) -> Result<Vec<Value>, Fault> {
    let outside = || Fault::Damaged(format!("the content of `{}` is outside the file", column.name));
    let (mut pages, mut types) = (Vec::new(), Vec::new());
    for chunk in group.columns_under_root_iter(&column.name).ok_or_else(outside)? {
        let range = chunk.byte_range();
        let bound = |at: u64| usize::try_from(at).map_err(|_| outside());
        let content = bytes.get(bound(range.start)?..bound(range.end)?).ok_or_else(outside)?;
        let reader = PageReader::new(Cursor::new(content.to_vec().into()), chunk, Vec::new(), usize::MAX);
        pages.push(BasicDecompressor::new(reader, Vec::new()));
        types.push(&chunk.descriptor().descriptor.primitive_type);
    }
    let (arrays, _) = column_iter_to_arrays(pages, types, column.clone(), None)?;
    let mut values = Vec::new();
    for array in &arrays {
        for row in 0..array.len() {
            values.push(value(array.as_ref(), row).map_err(|what| {
                Fault::Column(format!("the column `{}` holds {what}, not texts or numbers", column.name))
            })?);
        }
    }
    Ok(values)
}

/// An element of an array, or the type that has no place in JSON.
fn value(array: &dyn Array, row: usize) -> Result<Value, String> {
    use ArrowDataType::*;
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let known = match array.dtype() {
        Utf8View => typed::<Utf8ViewArray>(array).map(|texts| texts.value(row).into()),
        LargeList(_) => match typed::<ListArray<i64>>(array) {
            Some(lists) => Some(list(lists.value(row).as_ref())?),
            None => None,
        },
        Struct(_) => match typed::<StructArray>(array) {
            Some(objects) => Some(object(objects, row)?),
            None => None,
        },
        Boolean => typed::<BooleanArray>(array).map(|values| values.value(row).into()),
        Int8 => number::<i8>(array, row),
        Int16 => number::<i16>(array, row),
        Int32 => number::<i32>(array, row),
        Int64 => number::<i64>(array, row),
        UInt8 => number::<u8>(array, row),
        UInt16 => number::<u16>(array, row),
        UInt32 => number::<u32>(array, row),
        UInt64 => number::<u64>(array, row),
        Float32 => number::<f32>(array, row),
        Float64 => number::<f64>(array, row),
        _ => None,
    };
    known.ok_or_else(|| format!("{:?}", array.dtype()))
}

fn typed<T: 'static>(array: &dyn Array) -> Option<&T> {
    array.as_any().downcast_ref()
}

fn number<T: NativeType + Into<Value>>(array: &dyn Array, row: usize) -> Option<Value> {
    typed::<PrimitiveArray<T>>(array).map(|values| values.value(row).into())
}

fn list(elements: &dyn Array) -> Result<Value, String> {
    (0..elements.len()).map(|element| value(elements, element)).collect()
}

fn object(objects: &StructArray, row: usize) -> Result<Value, String> {
    let fields = objects.fields().iter().zip(objects.values());
    fields.map(|(field, values)| Ok((field.name.to_string(), value(values.as_ref(), row)?))).collect()
}
