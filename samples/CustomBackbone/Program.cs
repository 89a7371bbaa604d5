using Bitis;
using Bitis.Checkpoints;
using Bitis.Data.Decoding;
using Bitis.Graphs;
using Bitis.Imaging;
using CustomBackbone;

// Quantizes a Mamba of one's own: dotnet run -c Release --project samples/CustomBackbone -- WEIGHTS.pth IMAGES
// OUT.bitis
if (args is not [string weights, string images, string output])
{
    Console.Error.WriteLine("Usage: CustomBackbone WEIGHTS.pth IMAGES OUT.bitis (IMAGES: a folder, or builtin/train)");
    return 2;
}
try
{
    Graph graph = GrayMamba.Build();
    using Checkpoint checkpoint = Checkpoint.Open(weights);
    Dictionary<string, FloatTensor> parameters = graph.Parameters.ToDictionary(
        parameter => parameter.Name, parameter => checkpoint.Read(parameter.Name));
    VisionModel model =
        VisionModel.FromGraph(graph, parameters, Preprocessing.ForSize(GrayMamba.ImageSize, channels: 1));

    using ImageSource photos = ImageSource.Open(images);
    var calibration = CalibrationSet.FromImages(photos, model.Preprocessing, count: 32);
    Recipe recipe = new() { Method = "smoothquant", Bits = BitWidths.Parse("w8a8"), Scope = Scope.Full };
    PostTrainingQuantizer.Quantize(model, calibration, recipe).Save(output);
    Console.WriteLine($"{output}: {model.Config.Describe()}");
    return 0;
}
catch (Exception e) when (e is BitisException or ArgumentException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
