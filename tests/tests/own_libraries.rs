//! The team's own machine code beside packages: what it is linked with stays.

use layerpress_tests::{LoopbackIndex, TestContext, Wheel};

/// A 64-bit ELF file that names one library (System V ABI, chapter 5).
fn linked_with(library: &str) -> Vec<u8> {
    let strings_at = 64 + 2 * 56_u64;
    let mut strings = library.as_bytes().to_vec();
    strings.resize((library.len() + 1).next_multiple_of(8), 0);
    let dynamic_at = strings_at + strings.len() as u64;
    // DT_STRTAB, DT_STRSZ, DT_NEEDED, DT_NULL.
    let dynamic = [5, strings_at, 10, strings.len() as u64, 1, 0, 0, 0];
    let dynamic_bytes = 8 * dynamic.len() as u64;
    let end = dynamic_at + dynamic_bytes;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    // A shared object for x86-64, with two program headers behind this one.
    for half in [3_u16, 62, 1, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [0_u64, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    for half in [0_u16, 0, 64, 56, 2, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // PT_LOAD of all, PT_DYNAMIC; both readable.
    for (kind, from, to) in [(1_u32, 0, end), (2, dynamic_at, end)] {
        file.extend(kind.to_le_bytes());
        file.extend(4_u32.to_le_bytes());
        for word in [from, from, from, to - from, to - from, 8] {
            file.extend(word.to_le_bytes());
        }
    }
    file.extend(strings);
    file.extend(dynamic.iter().flat_map(|word| word.to_le_bytes()));
    file
}

#[test]
fn what_an_own_library_is_linked_with_stays_and_that_is_said() {
    let index = LoopbackIndex::start();
    let wheel = Wheel::new("library", "1.0")
        .file("library/tests/__init__.py", "")
        .file("library/tests/libhelper.so", linked_with("libc.so.6"));
    index.add([wheel.build()]);
    let context = TestContext::new().with_index(&index);
    context.write("layer/python/requirements.txt", "library\n");
    let helper = "python/library/tests/libhelper.so";
    let stays = || {
        let run = context.run(["build", "layer", "-o", "out.zip"]);
        run.expect_code(0);
        let layer = context.layer("out.zip");
        (layer.paths().contains(&helper), run.stderr)
    };
    assert!(!stays().0);
    context.write("layer/lib/libown.so", linked_with("libhelper.so"));
    for _ in 0..2 {
        let (stays, told) = stays();
        assert!(stays, "{told}");
        let why = format!("`{helper}` stays: `lib/libown.so` is linked with it");
        assert!(told.contains(&why), "{told}");
    }
    context.write("layer/lib/libown.so", linked_with("libother.so"));
    assert!(!stays().0);
}
