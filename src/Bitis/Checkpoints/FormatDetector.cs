using System.Buffers.Binary;
using System.Text;

namespace Bitis.Checkpoints;

/// <summary>Detects the format of a checkpoint from its first bytes.</summary>
/// <remarks>
/// Files that often stand in for a checkpoint, such as a Git LFS pointer or a web page, are named in the message. So
/// the user knows what went wrong with the download.
/// </remarks>
internal static class FormatDetector
{
    private const int PickleProtocol = 0x80;

    /// <summary>The format of a checkpoint file.</summary>
    /// <exception cref="BitisException">The file is not a checkpoint; the message says what it seems to be.</exception>
    public static CheckpointFormat Detect(CheckpointFile file)
    {
        ReadOnlySpan<byte> head = file.Read(0, (int)Math.Min(file.Length, 1024));
        if (head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8))
            return CheckpointFormat.TorchZip;
        if (head[0] == PickleProtocol && head.Length >= 2 && head[1] <= 5)
            return CheckpointFormat.TorchLegacy;
        if (LooksLikeTextPickle(file, head))
            return CheckpointFormat.TorchLegacy;
        if (LooksLikeSafetensors(file.Length, head))
            return CheckpointFormat.Safetensors;
        throw file.Error(Describe(head));
    }

    /// <summary>Whether the first bytes can be those of a safetensors file of this length.</summary>
    public static bool LooksLikeSafetensors(long fileLength, ReadOnlySpan<byte> head)
    {
        if (head.Length <= sizeof(ulong) || head[sizeof(ulong)] != '{')
            return false;
        // A plausible header length, or at least binary bytes: text has printable characters in these eight bytes.
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(head);
        return headerLength <= (ulong)fileLength || head[..sizeof(ulong)].ContainsAnyInRange((byte)0, (byte)8);
    }

    /// <summary>Whether a file looks like a pickle of protocol 0, which has no signature.</summary>
    /// <remarks>
    /// PyTorch does not write them, but an attacker who hides a command in a checkpoint may. The reader then names what
    /// it refuses to construct.
    /// </remarks>
    private static bool LooksLikeTextPickle(CheckpointFile file, ReadOnlySpan<byte> head) =>
        head[0] is (byte)'c' or (byte)'(' && head.Contains((byte)'\n')
        && file.Read(Math.Max(0, file.Length - 2), (int)Math.Min(2, file.Length)).Contains((byte)'.');

    private static string Describe(ReadOnlySpan<byte> head)
    {
        const string Expected = "expected a safetensors file or a PyTorch checkpoint (.pth, .pt, .bin)";
        string text = Encoding.Latin1.GetString(head).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
        {
            return "this is a Git LFS pointer, not the checkpoint itself; fetch the file with 'git lfs pull', "
                + "or download it through the site's download link.";
        }
        if (text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase))
        {
            return "this is a web page (HTML), not a checkpoint: the download led to one (a login, a consent or an "
                + $"error page); open it in a browser to see why, and use the direct download link; {Expected}.";
        }
        if (text.Contains("ustar", StringComparison.Ordinal) || text.StartsWith("sys_info", StringComparison.Ordinal))
        {
            return "this is a tar archive. If it is a checkpoint of PyTorch before 0.1.10, load it with PyTorch and "
                + "save it again with torch.save; otherwise unpack it and give the checkpoint inside.";
        }
        if (head is [0x1F, 0x8B, ..])
            return $"this is a gzip file; unpack it first; {Expected}.";
        if (head is [0x89, (byte)'H', (byte)'D', (byte)'F', ..])
            return $"this is an HDF5 file (Keras); {Expected}.";
        if (head is [0x08, < 32, 0x12, ..] or [0x08, < 32, 0x3A, ..]) // its version, then its producer or its graph
        {
            return "this seems to be an ONNX file. Those that Bitis exported open under a name that ends in .onnx "
                + $"(in a program, with OnnxModel.Load); {Expected}.";
        }
        string sample = new(
            [.. text.Take(40).Select(c => char.IsAsciiLetterOrDigit(c) || char.IsPunctuation(c) ? c : ' ')]);
        return head.ContainsAnyExceptInRange((byte)'\t', (byte)'~')
            ? $"the format is unknown (the first bytes are {Convert.ToHexString(head[..Math.Min(8, head.Length)])}); "
                + $"{Expected}."
            : $"this is a text file (it begins with \"{sample.Trim()}\"); {Expected}.";
    }
}
