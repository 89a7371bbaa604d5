using Bitis.Checkpoints;

namespace Bitis.Tests.Models;

/// <summary>
/// The golden VMamba variants, with what their checkpoints do not tell. Some are among the shared files.
/// </summary>
internal static class VMambaVariants
{
    private static readonly string[] All =
        ["vmamba-micro", "vmamba-micro-v0", "vmamba-micro-s2", "vmamba-micro-odd", "vmamba-micro-chlast"];

    public static TheoryData<string> Names => [.. All.Where(name => Find($"{name}.pth") is not null)];

    public static VisionModel Load(string name) => VisionModel.Load(Find($"{name}.pth")!, OptionsOf(name));

    public static Checkpoint OpenGolden(string name) => Checkpoint.Open(Find($"{name}.golden.safetensors")!);

    public static ModelOptions OptionsOf(string name) => new() { ImageSize = name == "vmamba-micro-odd" ? 56 : 64 };

    private static string? Find(string file) =>
        File.Exists(GoldenFiles.Path(file)) ? GoldenFiles.Path(file) : SharedFiles.Find($"golden/{file}");
}
