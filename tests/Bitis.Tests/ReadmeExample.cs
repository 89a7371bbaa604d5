using Bitis.Data;
using Bitis.Execution.Sessions;
using Bitis.Imaging;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Quantization.Recipes;
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
        CalibrationSet images = CalibrationSet.FromImages(photos, model.Preprocessing);
        QuantizedModel quantized = PostTrainingQuantizer.Quantize(model, images, new Recipe { Bits = BitWidths.Parse("w8a8") });
        quantized.Save(folder + "vim.bitis");
        using InferenceSession session = InferenceSession.Load(folder + "vim.bitis");
        output.WriteLine(session.Classify(folder + "photo.png")[0].ToString());
        // end
    }
}
