using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Data.BuiltIn;
using Bitis.Data.Decoding;
using Bitis.Quantization.Methods;

namespace Bitis.Tests.Quantization;

/// <summary>
/// Model files of all formats. Those under <c>Golden/format-1</c> were written before there was a format 2: a Vim of
/// two blocks, trained for 12 epochs on 3000 built-in images, and quantized by <c>qmamba+</c> in scope full. Those
/// under <c>Golden/format-2</c>, of the same Vim, are older than settings of methods.
/// </summary>
public sealed class FileFormatTests : IDisposable
{
    /// <summary>What the version that wrote the files answered for the first images of the built-in test set.</summary>
    private static readonly int[]
        QuantizedAnswers = [9, 3, 3, 3, 8, 5, 7, 9, 2, 0, 4, 4, 3, 3, 0, 1, 9, 6, 8, 9, 4, 5, 0, 3],
        FloatAnswers = [9, 3, 3, 2, 8, 5, 7, 9, 2, 0, 4, 4, 3, 3, 0, 5, 9, 6, 8, 9, 4, 5, 0, 3];

    private static readonly string Quantized = GoldenFiles.Path("format-1/vim-tiny.bitis"),
        Float = GoldenFiles.Path("format-1/vim-tiny.safetensors");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_quantized_file_of_format_1_opens_and_answers_as_it_did()
    {
        Assert.Equal("1", MetadataOf(Quantized)["bitis_format"]);
        QuantizedModel model = QuantizedModel.Load(Quantized);
        Assert.Equal(4, model.Scans.Count);
        Assert.Equal(QuantizedAnswers, Answers(Quantized));
        string path = _folder["new.bitis"];
        model.Save(path);
        Assert.Equal("3", MetadataOf(path)["bitis_format"]);
        Assert.Equal(QuantizedAnswers, Answers(path));
    }

    [Fact]
    public void Settings_of_format_2_are_those_of_the_method()
    {
        string file = GoldenFiles.Path("format-2/vim-tiny-ptq4vm.bitis");
        Assert.Equal("2", MetadataOf(file)["bitis_format"]);
        QuantizedModel model = QuantizedModel.Load(file);
        var settings = new Ptq4vmSettings { Alpha = 0.4, Official = true, Learning = new() { Steps = 2 } };
        Assert.Equal(new Recipe { Method = "ptq4vm", Settings = settings, Bits = new(4, 4) }, model.Recipe);
        string path = _folder["new.bitis"];
        model.Save(path);
        Assert.Equal(model.Recipe, QuantizedModel.Load(path).Recipe);
        Assert.Equal(Answers(file), Answers(path));
    }

    /// <summary>It says 99 percent and no smoothing, of which the method mse never heard.</summary>
    [Fact]
    public void Idle_settings_of_format_2_are_left_out()
    {
        QuantizedModel model = QuantizedModel.Load(GoldenFiles.Path("format-2/vim-tiny-mse.bitis"));
        Assert.Equal(new Recipe { Method = "mse", Bits = new(4, 8) }, model.Recipe);
    }

    [Fact]
    public void A_model_file_of_format_1_opens_and_answers_as_it_did()
    {
        Assert.Equal("1", MetadataOf(Float)["bitis_model"]);
        Assert.Equal(FloatAnswers, Answers(Float));
        string path = _folder["new.safetensors"];
        VisionModel.Load(Float).Save(path);
        Assert.Equal("2", MetadataOf(path)["bitis_model"]);
        Assert.Equal(FloatAnswers, Answers(path));
    }

    [Fact]
    public void Format_1_guards_the_bytes_of_tensors()
    {
        foreach (string file in (string[])[Quantized, Float])
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes[^3] ^= 1;
            AssertDamaged(_folder.Write("damaged", bytes));
        }
    }

    /// <summary>Every byte of a file counts: the header's, too.</summary>
    [Fact]
    public void The_digest_guards_all_of_a_file()
    {
        QuantizedModel.Load(Quantized).Save(_folder["new.bitis"]);
        VisionModel.Load(Float).Save(_folder["new.safetensors"], new Dictionary<string, string> { ["note"] = "kept" });
        foreach (string file in (string[])[_folder["new.bitis"], _folder["new.safetensors"]])
        {
            byte[] bytes = File.ReadAllBytes(file);
            int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
            string text = Encoding.UTF8.GetString(bytes, 8, header - 8);
            foreach ((string from, string to) in ((string, string)[])
            [
                ("halvesDirections\\u0022:true,", "halvesDirections\\u0022:false "), (
                    "\\u0022Middle\\u0022", "\\u0022Middl3\\u0022"), ("stateSize\\u0022:4", "stateSize\\u0022:3"),
                ("square", "squire"), ("Bicubic", "Bicubik"), ("0.485", "0.484"), (
                    "\"tool_version\":\"0", "\"tool_version\":\"1"),
            ])
            {
                Assert.Contains(from, text);
                byte[] changed = [.. bytes[..8], .. Encoding.UTF8.GetBytes(text.Replace(from, to)), .. bytes[header..]];
                BinaryPrimitives.WriteInt64LittleEndian(changed, changed.Length - (bytes.Length - header) - 8);
                AssertDamaged(_folder.Write("changed", changed));
            }
            bytes[^3] ^= 1;
            AssertDamaged(_folder.Write("damaged", bytes));
        }
    }

    [Fact]
    public void A_note_is_guarded_too()
    {
        string path = _folder["new.safetensors"];
        VisionModel.Load(Float).Save(path, new Dictionary<string, string> { ["note"] = "right" });
        byte[] bytes = File.ReadAllBytes(path);
        int at = bytes.AsSpan().IndexOf("right"u8);
        "wrong"u8.CopyTo(bytes.AsSpan(at));
        AssertDamaged(_folder.Write("changed", bytes));
    }

    [Fact]
    public void Renaming_the_format_does_not_lift_the_guard()
    {
        string path = _folder["new.bitis"];
        QuantizedModel.Load(Quantized).Save(path);
        byte[] bytes = File.ReadAllBytes(path);
        int at = bytes.AsSpan().IndexOf("\"bitis_format\":\"3\""u8);
        bytes[at + 16] = (byte)'1';
        AssertDamaged(_folder.Write("renamed", bytes));
    }

    /// <summary>The definition of docs/file-format.md, written down once more.</summary>
    [Fact]
    public void The_digest_is_what_the_documentation_says()
    {
        string path = _folder["new.bitis"];
        QuantizedModel.Load(Quantized).Save(path);
        using Checkpoint file = Checkpoint.Open(path);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream)) // little-endian
        {
            // All are ASCII.
            string[] keys = [.. file.Metadata.Keys.Where(key => key != "sha256").Order(StringComparer.Ordinal)];
            writer.Write((long)keys.Length);
            foreach (string key in keys)
            {
                Text(writer, key);
                Text(writer, file.Metadata[key]);
            }
            writer.Write((long)file.Entries.Count);
            foreach (CheckpointEntry entry in file.Entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                Text(writer, entry.Name);
                Text(writer, entry.DType.SafetensorsName());
                writer.Write((long)entry.Shape.Rank);
                foreach (int size in entry.Shape)
                    writer.Write((long)size);
                byte[] bytes = file.ReadBytes(entry.Name);
                writer.Write((long)bytes.Length);
                writer.Write(bytes);
            }
        }
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(stream.ToArray())), file.Metadata["sha256"]);

        static void Text(BinaryWriter writer, string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            writer.Write((long)bytes.Length);
            writer.Write(bytes);
        }
    }

    [Fact]
    public void A_digest_does_not_depend_on_the_order_and_tells_parts_apart()
    {
        SafetensorsTensor a = new("a", DType.Int8, [2], new byte[] { 1, 2 }),
            b = new("b", DType.Int8, [1], new byte[] { 3 });
        var metadata = new Dictionary<string, string> { ["k"] = "v", ["\uFFFD"] = "x", ["\U0001F600"] = "y" };
        string digest = ContentDigest.Of(metadata, [a, b]);
        Assert.Equal(digest, ContentDigest.Of(metadata.Reverse().ToDictionary(), [b, a]));
        Assert.Equal(
            digest, ContentDigest.Of(new Dictionary<string, string>(metadata) { ["sha256"] = "anything" }, [a, b]));
        string[] others =
        [
            ContentDigest.Of(new Dictionary<string, string>(metadata) { ["k"] = "w" }, [a, b]),
            ContentDigest.Of(new Dictionary<string, string>(metadata) { ["l"] = "" }, [a, b]),
            ContentDigest.Of(metadata, [a]),
            ContentDigest.Of(metadata, [a with { Name = "c" }, b]),
            ContentDigest.Of(metadata, [a with { DType = DType.UInt8 }, b]),
            ContentDigest.Of(metadata, [a with { Shape = [1, 2] }, b]),
            ContentDigest.Of(metadata, [a with { Bytes = new byte[] { 1, 3 } }, b]),
        ];
        Assert.Equal(others.Length, others.Append(digest).Distinct().Count() - 1);
    }

    private static Dictionary<string, string> MetadataOf(string path)
    {
        using Checkpoint file = Checkpoint.Open(path);
        return file.Metadata.ToDictionary();
    }

    private static int[] Answers(string path)
    {
        using InferenceSession session = InferenceSession.Load(path);
        using var images = new BuiltInImageSource(BuiltInSplit.Test, QuantizedAnswers.Length);
        return [.. Enumerable.Range(0, images.Count).Select(index => session.Classify(images.Read(index), 1)[0].Class)];
    }

    private static void AssertDamaged(string path)
    {
        string message = Assert.Throws<BitisException>(() => InferenceSession.Load(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains("the SHA-256 differs", message);
    }
}
