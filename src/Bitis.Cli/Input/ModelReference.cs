namespace Bitis.Cli.Input;

/// <summary>Turns what the user calls a model into a file on this machine.</summary>
internal static class ModelReference
{
    /// <summary>The path of a model; one on the Hugging Face hub is downloaded first, unless the cache has it.</summary>
    /// <exception cref="BitisException">There is no such file, here or there.</exception>
    public static string Resolve(string reference, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        if (Directory.Exists(reference))
            throw BitisException.InFile(reference, "this is a folder; a model file was expected (.pth, .safetensors or .bitis).");
        if (!File.Exists(reference))
            throw BitisException.InFile(reference, "there is no such file; a model was expected (.pth, .safetensors or .bitis).");
        return reference;
    }
}
