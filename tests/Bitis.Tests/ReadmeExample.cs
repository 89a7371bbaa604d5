using Bitis.Imaging;
using Xunit.Abstractions;

namespace Bitis.Tests;

/// <summary>The README's example; its usings are the README's, too.</summary>
internal static class ReadmeExample
{
    public static void Run(string folder, ITestOutputHelper output)
    {
        // README
        VisionModel model = VisionModel.Load(folder + "vim.pth");
        using ImageSource photos = ImageSource.Open(folder + "photos");
        CalibrationSet calibration = CalibrationSet.FromImages(photos, model.Preprocessing);
        Recipe recipe = new() { Method = "smoothquant", Bits = BitWidths.Parse("w8a8") };
        PostTrainingQuantizer.Quantize(model, calibration, recipe).Save(folder + "vim.bitis");
        using InferenceSession session = InferenceSession.Load(folder + "vim.bitis");
        output.WriteLine(session.Classify(folder + "photo.png")[0].ToString());
        // end
    }
}
