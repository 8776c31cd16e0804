use std::{fs, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

fn layout(format: Format) -> Layout {
    Layout {
        format,
        header: format != Format::Ndjson,
        names: None,
    }
}

const CSV: Format = Format::Delimited {
    delimiter: b',',
    quote: Some(b'"'),
};

struct Opened {
    table: Table,
    _directory: tempfile::TempDir,
}

fn open(bytes: &[u8], layout: &Layout, columns: &[&str]) -> Result<Opened, TableError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("input");
    fs::write(&path, bytes).unwrap();
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    Table::open(&Input::File(path), layout, &columns).map(|table| Opened {
        table,
        _directory: directory,
    })
}

/// Rows as `line:number:values`, faults as `line:number!reason`.
fn rows(bytes: &[u8], format: Format, columns: &[&str]) -> Vec<String> {
    let mut opened = open(bytes, &layout(format), columns).unwrap();
    let mut found = Vec::new();
    while let Some(row) = opened.table.next_row().unwrap() {
        found.push(match row {
            Ok(row) => format!("{}:{}:{}", row.line, row.number, row.values.join("|")),
            Err(bad) => format!("{}:{}!{}", bad.line, bad.number, bad.reason),
        });
    }
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn csv_keeps_quotes_line_ends_and_the_line_a_row_starts_on() {
    let text = "\u{feff}id,text\r\n1,\"a \"\"b\"\",\r\nc\"\r\n\r\n2,x\r\n3,\"\"";
    assert_eq!(
        rows(text.as_bytes(), CSV, &["text", "id"]),
        ["2:1:a \"b\",\r\nc|1", "5:2:x|2", "6:3:|3"]
    );
}

#[test]
fn a_row_that_cannot_be_read_is_a_fault_of_that_row_alone() {
    let text = b"id,text\n1\n2,\xff\n3,a,b\n4,nul\0\n5,\"a\"b\"c\n6,a\rb\n7,ok\n";
    assert_eq!(
        rows(text, CSV, &["id"]),
        [
            "2:1!has 1 fields where 2 are expected",
            "3:2!is not UTF-8",
            "4:3!has 3 fields where 2 are expected",
            "5:4!has NUL bytes; is the file in UTF-16?",
            "6:5:5",
            "7:6!is not one record; is there a carriage return outside quotes?",
            "8:7:7",
        ]
    );
}

#[test]
fn a_row_that_is_too_long_is_read_over_without_being_kept() {
    let long = "x".repeat(3 * LONGEST_ROW);
    for format in [CSV, Format::Whitespace] {
        let text = format!("id\n{long}\n2\n");
        let mut opened = open(text.as_bytes(), &layout(format), &["id"]).unwrap();
        let bad = opened.table.next_row().unwrap().unwrap().unwrap_err();
        assert_eq!(bad.reason, "is longer than 1048576 bytes");
        assert!(
            opened.table.buffer.capacity() < 3 * LONGEST_ROW,
            "{}",
            opened.table.buffer.capacity()
        );
        let row = opened.table.next_row().unwrap().unwrap().unwrap();
        assert_eq!((row.line, row.number, row.column(ColumnId(0))), (3, 2, "2"));
    }
    let just = format!("id\n{}\n", "x".repeat(LONGEST_ROW - 1));
    assert!(!rows(just.as_bytes(), CSV, &["id"])[0].contains('!'));
}

#[test]
fn lines_within_a_text_that_is_too_long_are_never_rows() {
    let text = format!(
        "id,t\n1,\"{}\n2,forged\n\"\n3,real\n",
        "x\n".repeat(LONGEST_ROW)
    );
    let found = rows(text.as_bytes(), CSV, &["id"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("2:1!is longer than 1048576 bytes and goes on for"),
        "{found:?}"
    );
    assert!(found[1].ends_with(":2:3"), "{found:?}");
}

#[test]
fn a_quote_that_is_never_closed_is_a_fault() {
    assert_eq!(
        rows(b"id,t\n1,a\n2,\"b\n3,c\n", CSV, &["id"]),
        ["2:1:1", "3:2!has a quote that is never closed"]
    );
}

#[test]
fn tsv_without_quotes_takes_them_as_text() {
    let format = Format::Delimited {
        delimiter: b'\t',
        quote: None,
    };
    assert_eq!(
        rows(b"a\tb\n\"x\ty\"\n\t\n", format, &["a", "b"]),
        ["2:1:\"x|y\"", "3:2:|"]
    );
}

#[test]
fn whitespace_tables_split_on_runs_of_blanks() {
    let text = b" id  date \r\n 00001 19970101  \r\n\r\n\t00002\t \t19970112\n3\n";
    assert_eq!(
        rows(text, Format::Whitespace, &["date", "id"]),
        [
            "2:1:19970101|00001",
            "4:2:19970112|00002",
            "5:3!has 1 fields where 2 are expected"
        ]
    );
}

#[test]
fn objects_are_rows_and_broken_lines_are_faults() {
    let text = b"{\"a\":{\"b\":1.50}}\n\n{\"a\":\n[]\n{}";
    assert_eq!(
        rows(text, Format::Ndjson, &["a.b"]),
        [
            "1:1:1.50",
            "3:2!is not JSON: it ends too early at column 5",
            "4:3!is not a JSON object",
            "5:4:",
        ]
    );
}

#[test]
fn gzip_is_told_by_its_bytes_also_in_several_members() {
    let mut bytes = gzip(b"id\n1\n");
    bytes.extend(gzip(b"2\n"));
    assert_eq!(rows(&bytes, CSV, &["id"]), ["2:1:1", "3:2:2"]);
}

#[test]
fn truncated_gzip_ends_the_reading_with_the_line() {
    let numbers: Vec<String> = (0..50_000)
        .map(|n| (n * 7_919 % 50_021).to_string())
        .collect();
    let text = numbers.join(
        "
",
    );
    let whole = gzip(format!("id\n{text}").as_bytes());
    let mut opened = open(&whole[..whole.len() / 2], &layout(CSV), &["id"]).unwrap();
    let error = loop {
        match opened.table.next_row() {
            Ok(row) => assert!(row.is_some()),
            Err(error) => break error,
        }
    };
    assert!(
        error.to_string().starts_with("cannot be read after line "),
        "{error}"
    );
    assert!(open(&whole[..5], &layout(CSV), &["id"]).is_err());
}

#[test]
fn inputs_that_are_something_else_are_refused_when_opened() {
    for bytes in [
        &b""[..],
        b"\xff\xfei\0d\0",
        b"\n\n",
        b"other\n1\n",
        b"id,id\n1,2\n",
        b"i\xffd\n",
    ] {
        assert!(open(bytes, &layout(CSV), &["id"]).is_err(), "{bytes:?}");
    }
    let missing = open(b"a,b\n", &layout(CSV), &["a", "c", "d"]);
    let said = missing.err().map(|e| e.to_string());
    let expected = "the header lacks the column \"c\", lacks the column \"d\"";
    assert_eq!(said.as_deref(), Some(expected));
}

#[test]
fn columns_are_named_by_the_mapping_where_there_is_no_header() {
    let mut named = layout(CSV);
    named.names = Some(vec!["a".into(), "b".into()]);
    let mut renamed = open(b"x,y\n1,2\n", &named, &["b"]).unwrap();
    let row = renamed.table.next_row().unwrap().unwrap().unwrap();
    assert_eq!(row.values, ["2"]);
    named.header = false;
    let mut headless = open(b"1,2\n", &named, &["b"]).unwrap();
    let row = headless.table.next_row().unwrap().unwrap().unwrap();
    assert_eq!((row.line, row.values), (1, vec!["2".to_owned()]));
}

#[test]
fn a_row_says_nothing_of_its_texts_when_it_is_debugged() {
    let row = Row {
        line: 1,
        number: 2,
        values: vec!["hanako@example.com".into()],
    };
    assert_eq!(format!("{row:?}"), "Row { line: 1, number: 2, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_rows_or_faults_or_an_error(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), "[a,\"\r\n]{0,60}".prop_map(String::into_bytes)],
        which in 0..3,
    ) {
        let format = [CSV, Format::Whitespace, Format::Ndjson][usize::try_from(which).unwrap()];
        let mut named = layout(format);
        named.header = false;
        named.names = Some(vec!["a".into(), "b".into()]);
        if let Ok(mut opened) = open(&bytes, &named, &["a"]) {
            while let Ok(Some(_)) = opened.table.next_row() {}
        }
    }

    #[test]
    fn what_the_csv_crate_writes_is_read_again(records in prop::collection::vec(("[a-z,\"\n\r あ]{0,12}", "[a-z,\"\n\r]{1,12}"), 1..8)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for (a, b) in &records {
            writer.write_record([a, b]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut opened = open(&bytes, &layout(CSV), &["a", "b"]).unwrap();
        for (a, b) in records {
            let row = opened.table.next_row().unwrap().unwrap().unwrap();
            prop_assert_eq!(row.values, vec![a, b]);
        }
        prop_assert!(opened.table.next_row().unwrap().is_none());
    }
}
