using System.Buffers.Binary;
using System.Text.Json;
using Bitis.Checkpoints.Weights;
using Bitis.Tensors;

namespace Bitis.Checkpoints.Safetensors;

/// <summary>
/// Reads the header of a safetensors file: eight bytes of length, a JSON object of tensors, then their bytes.
/// </summary>
/// <remarks>
/// The checks are those of the format's specification: names are unique, and the tensors fill the rest of the file
/// without overlap or hole. Work: the file once. Memory: 32 bytes for each byte of the header, which has at most 100
/// MB.
/// </remarks>
internal static class SafetensorsReader
{
    private const string MetadataName = "__metadata__";
    private const int LengthSize = sizeof(ulong);

    /// <summary>The format's own limit.</summary>
    private const int MaxHeaderLength = 100_000_000;

    /// <summary>Reads the directory of tensors.</summary>
    /// <param name="file">The file; it must stay open for the tensors to be read.</param>
    /// <exception cref="BitisException">The file breaks the format's rules.</exception>
    public static CheckpointContents Read(CheckpointFile file)
    {
        if (file.Length < LengthSize)
        {
            throw file.Error(
                $"the file has {file.Length} bytes; a safetensors file begins with 8 bytes of header length.");
        }

        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file.Read(0, LengthSize));
        ulong available = (ulong)file.Length - LengthSize;
        if (headerLength > available)
        {
            throw file.Error(
                $"the safetensors header claims {headerLength} bytes, but only {available} follow; "
                + "the file is truncated or not a safetensors file. Download or copy it again.");
        }
        if (headerLength > MaxHeaderLength)
        {
            throw file.Error(
                $"the safetensors header claims {headerLength} bytes; the format allows {MaxHeaderLength}.");
        }

        long dataStart = LengthSize + (long)headerLength;
        List<HeaderEntry> headerEntries = [];
        SortedDictionary<string, string> metadata = new(StringComparer.Ordinal);
        try
        {
            ParseHeader(file, file.Read(LengthSize, (int)headerLength), headerEntries, metadata);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string in the JSON is not valid UTF-8.
            throw new BitisException($"{file.Path}: the safetensors header is not valid JSON: {e.Message}", e);
        }

        headerEntries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckLayout(file, headerEntries, file.Length - dataStart);
        var tensors = new List<KeyValuePair<string, object?>>(headerEntries.Count);
        foreach (HeaderEntry entry in headerEntries)
            tensors.Add(new(entry.Name, ToTensor(file, entry, dataStart)));
        return new CheckpointContents(
            CheckpointFormat.Safetensors,
            [new WeightsPlace("", tensors)],
            [.. tensors.Take(8).Select(tensor => tensor.Key)],
            metadata);
    }

    private static void ParseHeader(
        CheckpointFile file,
        ReadOnlySpan<byte> header,
        List<HeaderEntry> entries,
        SortedDictionary<string, string> metadata)
    {
        HashSet<string> names = [];
        var reader = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
        Expect(ref reader, JsonTokenType.StartObject, "an object of tensors");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (!names.Add(name))
                throw file.Error($"the safetensors header names '{name}' twice; the file is damaged.");
            if (name == MetadataName)
                ParseMetadata(ref reader, metadata);
            else
                entries.Add(ParseEntry(file, ref reader, name));
        }
        // Reading on past the object makes the reader complain about anything but trailing blanks.
        while (reader.Read())
        {
        }
    }

    private static void ParseMetadata(ref Utf8JsonReader reader, SortedDictionary<string, string> metadata)
    {
        Expect(ref reader, JsonTokenType.StartObject, $"an object of texts as {MetadataName}");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, $"a text as {MetadataName} '{key}'");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw new JsonException($"{MetadataName} names '{key}' twice");
        }
    }

    private static HeaderEntry ParseEntry(CheckpointFile file, ref Utf8JsonReader reader, string name)
    {
        string? typeName = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, $"an object for tensor '{name}'");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            switch (reader.GetString())
            {
                case "dtype" when typeName is not null:
                case "shape" when shape is not null:
                case "data_offsets" when offsets is not null:
                    throw new JsonException($"tensor '{name}' has a property twice");
                case "dtype":
                    Expect(ref reader, JsonTokenType.String, $"a text as dtype of '{name}'");
                    typeName = reader.GetString();
                    break;
                case "shape":
                    shape = ParseNumbers(ref reader, $"shape of '{name}'");
                    break;
                case "data_offsets":
                    offsets = ParseNumbers(ref reader, $"data_offsets of '{name}'");
                    break;
                case var other:
                    throw new JsonException($"tensor '{name}' has an unknown property '{other}'");
            }
        }
        if (typeName is null || shape is null || offsets is not [long begin, long end])
            throw new JsonException($"tensor '{name}' needs dtype, shape and two data_offsets");
        DType type = DTypes.FromSafetensorsName(typeName) ?? throw file.Error(
            $"tensor '{name}' has the unknown dtype '{typeName}'; known are {DTypes.AllNames}.");
        if (shape.Exists(size => size > int.MaxValue))
        {
            throw file.Error(
                $"tensor '{name}' has the shape [{string.Join(", ", shape)}], more than any file can hold.");
        }

        return new HeaderEntry(name, type, [.. shape.Select(size => (int)size)], begin, end);
    }

    private static List<long> ParseNumbers(ref Utf8JsonReader reader, string what)
    {
        List<long> numbers = [];
        Expect(ref reader, JsonTokenType.StartArray, $"an array as {what}");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw new JsonException($"{what} must hold whole numbers from 0 to 2^63-1");
            numbers.Add(number);
        }
        return numbers;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new JsonException($"expected {what}, found {reader.TokenType} at byte {reader.TokenStartIndex}");
    }

    /// <summary>The entries, sorted by offset, must follow each other from 0 to the end of the data.</summary>
    private static void CheckLayout(CheckpointFile file, List<HeaderEntry> sorted, long dataLength)
    {
        long position = 0;
        string previous = "the header";
        foreach (HeaderEntry entry in sorted)
        {
            if (entry.End > dataLength)
            {
                throw file.Error(
                    $"tensor '{entry.Name}' ends at byte {entry.End} of the data, but the file holds {dataLength}; "
                    + "it is truncated. Download or copy it again.");
            }
            if (entry.Begin != position || entry.End < entry.Begin)
            {
                string problem = entry.End < entry.Begin ? "ends before it begins"
                    : entry.Begin < position ? $"overlaps {previous}"
                    : $"leaves a hole after {previous}";
                throw file.Error(
                    $"tensor '{entry.Name}' (data_offsets [{entry.Begin}, {entry.End}]) {problem}; "
                    + "the file is damaged.");
            }
            position = entry.End;
            previous = $"'{entry.Name}'";
        }
        if (position != dataLength)
        {
            throw file.Error(
                $"the tensors take {position} bytes, but the file holds {dataLength}; "
                + "it is damaged or has something appended.");
        }
    }

    private static StoredTensor ToTensor(CheckpointFile file, HeaderEntry entry, long dataStart)
    {
        long length = entry.End - entry.Begin;
        StoredTensor tensor;
        try
        {
            tensor = new StoredTensor(
                entry.DType, entry.Shape, [], 0, new FileBytes(file, dataStart + entry.Begin, length));
        }
        catch (BitisException e)
        {
            throw new BitisException($"{file.Path}: tensor '{entry.Name}': {e.Message}", e);
        }
        // Types of 4 and 6 bits have to fill whole bytes.
        if (tensor.ByteLength != length || entry.Shape.ElementCount * entry.DType.BitSize() % 8 != 0)
        {
            throw file.Error(
                $"tensor '{entry.Name}' has {length} bytes, but {entry.Shape} of {entry.DType.SafetensorsName()} "
                + $"takes {entry.Shape.ElementCount * entry.DType.BitSize() / 8.0}.");
        }
        return tensor;
    }

    private sealed record HeaderEntry(string Name, DType DType, Shape Shape, long Begin, long End);
}
