using Bitis.Models.Vim;

namespace Bitis.Tests.Models;

/// <summary>The golden Vim variants, with what their checkpoints do not tell.</summary>
internal static class VimVariants
{
    public static TheoryData<string> Names =>
    [
        "vim-micro",
        "vim-micro-nodiv",
        "vim-micro-headcls",
        "vim-micro-meanpool",
        "vim-micro-overlap",
        "vim-micro-layernorm",
    ];

    public static VisionModel Load(string name) => VisionModel.Load(GoldenFiles.Path($"{name}.pth"), OptionsOf(name));

    public static ModelOptions OptionsOf(string name) => name switch
    {
        "vim-micro-nodiv" => new ModelOptions { HalvesDirections = false },
        "vim-micro-headcls" => new ModelOptions { ClassToken = ClassTokenPosition.First },
        "vim-micro-overlap" => new ModelOptions { Stride = 4 },
        _ => ModelOptions.Default,
    };
}
