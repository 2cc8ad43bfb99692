//! What is said in a session, and how.

use anyhow::ensure;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::siege::Siege;

/// The default of `gateway.frame_bytes_max`.
const FRAME_BYTES_MAX: usize = 131_072;

pub(crate) async fn what_is_no_frame(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    let deep = format!(r#"{{"type":"receipts","chats":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    for text in [
        "",
        "hello",
        "null",
        "[]",
        "{",
        "{}",
        r#"{"type":1}"#,
        r#"{"type":"dance"}"#,
        r#"{"type":"error","code":"banned","retry":false,"message":"you are"}"#,
        r#"{"type":"read","chat":"x","seq":1}"#,
        r#"{"type":"read","chat":[],"seq":{}}"#,
        r#"{"type":"ack"}"#,
        r#"{"type":"receipts","chats":{}}"#,
        "\u{0}\u{feff}",
        &deep,
        &"[".repeat(100_000),
    ] {
        socket.text(text).await?;
        socket.is_told("bad_frame").await?;
    }
    Ok(())
}

pub(crate) async fn what_is_no_message(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    let meta: Value = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for (change, code) in [
        (json!({}), "bad_frame"),
        (json!({"text": 1}), "bad_frame"),
        (json!({"text": "x", "body": "AA=="}), "bad_frame"),
        (json!({"body": "no base64!", "content_type": "a/b"}), "bad_frame"),
        (json!({"text": "x", "to": ""}), "bad_frame"),
        (json!({"text": "x", "to": ["bob"]}), "bad_frame"),
        (json!({"text": "x", "reply_to": -1}), "bad_frame"),
        (json!({"text": "x", "mentions": "bob"}), "bad_frame"),
        (json!({"text": "x".repeat(65_537)}), "body_too_large"),
        (json!({"text": "x", "mentions": vec!["bob"; 15_000]}), "body_too_large"),
        (json!({"text": "x", "meta": {"deep": [meta, "x".repeat(65_537)]}}), "body_too_large"),
    ] {
        let mut frame = json!({"type": "send", "id": "1", "to": "bob"});
        for (name, value) in change.as_object().into_iter().flatten() {
            frame[name] = value.clone();
        }
        socket.say(frame).await?;
        let failed = socket.next().await?;
        ensure!(failed["type"] == "failed" && failed["code"] == code && failed["retry"] == false, "{change}: {failed}");
        ensure!(failed["id"] == "1" && failed["cursor"] == Value::Null, "{failed}");
    }
    // Ids that couldn't be written back are none.
    for id in ["0x1", "-1", "99999999999999999999", ""] {
        socket.say(json!({"type": "send", "id": id, "to": "bob", "text": "x"})).await?;
        socket.is_told("bad_frame").await?;
    }
    // What only the one who decides can tell is refused by it.
    socket.say(json!({"type": "send", "id": "0", "to": "bob", "text": "x"})).await?;
    let failed = socket.until("failed").await?;
    ensure!(failed["code"] == "bad_counter", "{failed}");
    socket.goes_on().await
}

pub(crate) async fn binary(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    socket.binary(b"\x00\x01").await?;
    socket.is_told("bad_frame").await?;
    let mut socket = siege.open().await?;
    socket.binary(b"\x00\x01").await?;
    socket.ends("bad_frame", 4500).await
}

pub(crate) async fn too_long(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    let question = r#"{"type":"receipts","chats":[]}"#;
    let fits = question.to_owned() + &" ".repeat(FRAME_BYTES_MAX - question.len());
    socket.text(fits.clone()).await?;
    socket.until("receipts").await?;
    socket.text(fits + " ").await?;
    socket.ends("frame_too_large", 4504).await?;
    // Also in the place of a hello; and one that only says how long it would be.
    let mut socket = siege.open().await?;
    socket.text("x".repeat(FRAME_BYTES_MAX + 1)).await?;
    socket.ends("frame_too_large", 4504).await?;
    let mut socket = siege.session("mallory", "phone").await?;
    let header = [&[0x81, 0x80 | 127][..], &(1_u64 << 60).to_be_bytes(), b"mask"].concat();
    socket.0.get_mut().write_all(&header).await?;
    socket.ends("frame_too_large", 4504).await
}

pub(crate) async fn fragments(siege: &Siege) -> anyhow::Result<()> {
    let text = Frame::message("[", OpCode::Data(Data::Text), false);
    let part = |bytes: Vec<u8>, is_last| Frame::message(bytes, OpCode::Data(Data::Continue), is_last);
    let mut socket = siege.session("mallory", "phone").await?;
    socket.frame(Frame::message(r#"{"type":"#, OpCode::Data(Data::Text), false)).await?;
    for _ in 0..2_000 {
        socket.frame(part(b" ".to_vec(), false)).await?;
    }
    socket.frame(part(br#""receipts","chats":[]}"#.to_vec(), true)).await?;
    socket.until("receipts").await?;
    // Beyond the bound in total, and none beyond it by itself.
    socket.frame(text.clone()).await?;
    for _ in 0..=FRAME_BYTES_MAX / 1024 {
        // It may have closed already.
        let _ = socket.frame(part(vec![b'['; 1024], false)).await;
    }
    socket.ends("frame_too_large", 4504).await?;
    // Parts without a beginning.
    let mut socket = siege.session("mallory", "phone").await?;
    socket.frame(part(b"{}".to_vec(), true)).await?;
    socket.ends("bad_frame", 4500).await
}

pub(crate) async fn broken_text(siege: &Siege) -> anyhow::Result<()> {
    for bytes in [&b"\xff\xfe\"hello\""[..], b"{\"type\":\"\xc3\x28\"}", b"\xed\xa0\x80"] {
        let mut socket = siege.session("mallory", "phone").await?;
        socket.frame(Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true)).await?;
        socket.ends("bad_frame", 4500).await?;
    }
    Ok(())
}

/// Bytes behind the upgrade that are no WebSocket, or a bad one.
pub(crate) async fn broken_transport(siege: &Siege) -> anyhow::Result<()> {
    for bytes in [
        // Not masked.
        &b"\x81\x02{}"[..],
        // A reserved bit, which compression would set.
        b"\xc1\x82mask\x16\x1c",
        // A kind of frame that there is not.
        b"\x83\x80mask",
        // A ping in parts, and one that is too long.
        b"\x09\x80mask",
        b"\x89\xfe\x01\x00mask",
        // Another protocol.
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        // So that no frame among them waits for its rest.
        let bytes = [bytes, &[0; 1_000]].concat();
        for has_session in [false, true] {
            let mut socket = if has_session { siege.session("mallory", "phone").await? } else { siege.open().await? };
            socket.0.get_mut().write_all(&bytes).await?;
            socket.ends("bad_frame", 4500).await?;
        }
    }
    // Bytes of every sort end a connection, or wait for more of them.
    let mut seed = 1_u64;
    for _ in 0..50 {
        let mut socket = siege.open().await?;
        let bytes: Vec<u8> = std::iter::repeat_with(|| random(&mut seed)).take(4096).collect();
        let _ = socket.0.get_mut().write_all(&bytes).await;
        socket.is_cut().await?;
    }
    Ok(())
}

/// Frames that have their place elsewhere.
pub(crate) async fn out_of_turn(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.open().await?;
    socket.say(json!({"type": "send", "id": "1", "to": "bob", "text": "before the hello"})).await?;
    socket.ends("bad_frame", 4500).await?;
    let mut socket = siege.session("mallory", "phone").await?;
    socket.hello(&crate::tokens::good("mallory")?, "phone", None).await?;
    socket.is_told("bad_frame").await?;
    // Signs of life before the hello count as frames, too.
    let (last, number) = siege.open().await?.floods(Message::Ping(Vec::new().into())).await?;
    ensure!(last["code"] == "too_many_frames" && number == Some(4007), "{last} {number:?}");
    Ok(())
}

/// SplitMix64's highest bits.
fn random(seed: &mut u64) -> u8 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 56) as u8
}
