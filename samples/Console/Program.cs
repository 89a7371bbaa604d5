// Quantizes a model to 8 bits and classifies a photograph:
// dotnet run -c Release --project samples/Console -- MODEL PHOTOS OUT.bitis PHOTO
using Bitis;
using Bitis.Imaging;

if (args is not [string checkpoint, string calibration, string output, string photo])
{
    Console.Error.WriteLine("Usage: ConsoleSample MODEL PHOTOS OUT.bitis PHOTO (PHOTOS: a folder of images)");
    return 2;
}
try
{
    VisionModel model = VisionModel.Load(checkpoint);
    using ImageSource photos = ImageSource.Open(calibration);
    var images = CalibrationSet.FromImages(photos, model.Preprocessing);
    Recipe recipe = new() { Method = "smoothquant", Bits = BitWidths.Parse("w8a8") };
    PostTrainingQuantizer.Quantize(model, images, recipe).Save(output);

    using InferenceSession session = InferenceSession.Load(output);
    foreach (Prediction prediction in session.Classify(photo))
        Console.WriteLine(prediction);
    return 0;
}
catch (BitisException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
