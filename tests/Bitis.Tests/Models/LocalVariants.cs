using Bitis.Checkpoints;

namespace Bitis.Tests.Models;

/// <summary>The golden LocalVim and LocalVMamba variants, with what their checkpoints do not tell.</summary>
internal static class LocalVariants
{
    public static TheoryData<string> Names => ["localvim-micro", "localvim-micro-midcls", "localvmamba-micro"];

    public static VisionModel Load(string name) => VisionModel.Load(GoldenFiles.Path($"{name}.pth"), OptionsOf(name));

    public static Checkpoint OpenGolden(string name) => Checkpoint.Open(GoldenFiles.Path($"{name}.golden.safetensors"));

    /// <summary>
    /// The size of the images, and the directions that the metadata name: <c>[['h', 'v_flip', ...], ...]</c>.
    /// </summary>
    public static ModelOptions OptionsOf(string name)
    {
        using Checkpoint golden = OpenGolden(name);
        string directions = string.Concat(golden.Metadata["directions"].Where(c => c is not ('\'' or ' ')));
        return new ModelOptions
        {
            ImageSize = name.StartsWith("localvmamba", StringComparison.Ordinal) ? 64 : null,
            Directions = directions.Trim('[', ']').Replace("],[", "/", StringComparison.Ordinal),
        };
    }
}
