using Bitis.Checkpoints.Folders;
using Bitis.Checkpoints.Hub;
using Bitis.Files;
using Bitis.Models.Catalogue;

namespace Bitis.Cli.Input;

/// <summary>Resolves a user's reference to a model to a local file.</summary>
internal static class ModelReference
{
    private static readonly string Expected =
        "a model was expected (.pth, .safetensors, .bitis, a folder with one, hf:owner/name/file, "
        + $"or one that comes with Bitis: {string.Join(", ", ShippedModels.Names)})";

    /// <summary>The path of a model: a file, a folder, a built-in model, or one of the Hugging Face hub.</summary>
    /// <remarks>A model of the hub is downloaded unless the cache has it.</remarks>
    /// <exception cref="BitisException">The file does not exist locally or on the hub.</exception>
    public static string Resolve(
        string reference, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        if (HubReference.TryParse(reference, out _))
        {
            using var client = new HubClient();
            return client.DownloadModelAsync(reference, progress, cancellationToken).GetAwaiter().GetResult();
        }
        InputPath.RequireUtf8(reference);
        if (File.Exists(reference))
            return reference;
        if (ShippedModels.Find(reference) is { } shipped)
            return shipped;
        return Directory.Exists(reference)
            ? ModelFolder.Resolve(reference)
            : throw BitisException.InFile(
                reference,
                $"there is no such file; {Expected}.{Suggestion.Of(reference, ShippedModels.Names)}");
    }
}
