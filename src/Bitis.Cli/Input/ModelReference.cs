using Bitis.Checkpoints.Hub;

namespace Bitis.Cli.Input;

/// <summary>Turns what the user calls a model into a file on this machine.</summary>
internal static class ModelReference
{
    private const string Expected = "a model was expected (.pth, .safetensors, .bitis or hf:owner/name/file)";

    /// <summary>The path of a model; one on the Hugging Face hub is downloaded first, unless the cache has it.</summary>
    /// <exception cref="BitisException">There is no such file, here or there.</exception>
    public static string Resolve(string reference, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        if (HubReference.TryParse(reference, out HubReference? hub))
        {
            using var client = new HubClient();
            return client.DownloadAsync(hub, new Kilobytes(progress), cancellationToken).GetAwaiter().GetResult();
        }
        if (Directory.Exists(reference))
            throw BitisException.InFile(reference, $"this is a folder; {Expected}.");
        return File.Exists(reference) ? reference : throw BitisException.InFile(reference, $"there is no such file; {Expected}.");
    }

    private sealed class Kilobytes(IProgress<WorkProgress> progress) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) =>
            progress.Report(new WorkProgress("downloading, kB", value.Bytes / 1000, (value.TotalBytes ?? 0) / 1000));
    }
}
