// Benchmarks of Bitis:
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- kernels
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- profile vim-tiny
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- threads vim-tiny
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- training [vim-mini vmamba-mini]
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- hlq [hlq:16]
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- backward resnet-20 cifar10.zip/train cifar10.zip/test 12
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- methods vim-micro-builtin builtin/train builtin/test
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- conversion vim-tiny ptq4vm
//   dotnet run -c Release --project benchmarks/Bitis.Benchmarks -- peer benchmarks/onnxruntime   (benchmarks/run.sh installs the peer)
using Bitis.Benchmarks;
using Bitis.Benchmarks.Peer;

switch (args)
{
    case ["kernels"]:
        KernelBenchmarks.Run();
        return 0;
    case ["profile", string variant]:
        ProfileBenchmark.Run(variant);
        return 0;
    case ["threads", string variant]:
        ThreadsBenchmark.Run(variant);
        return 0;
    case ["training"]:
        TrainingBenchmark.Run();
        return 0;
    case ["training", .. string[] models]:
        TrainingBenchmark.Run(models);
        return 0;
    case ["hlq"] or ["hlq", _]:
        HlqBenchmark.Run(args[^1]);
        TrainingMemoryBenchmark.Run(args[^1]);
        return 0;
    case [TrainingMemoryBenchmark.Child, string model, string method]:
        TrainingMemoryBenchmark.RunChild(model, method);
        return 0;
    case ["backward", string model, string train, string test, string epochs, .. string[] rest]:
        BackwardBenchmark.Run(
            model,
            train,
            test,
            int.Parse(epochs, System.Globalization.CultureInfo.InvariantCulture),
            rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : null,
            rest.Length > 1 ? int.Parse(rest[1], System.Globalization.CultureInfo.InvariantCulture) : 1,
            rest.ElementAtOrDefault(2));
        return 0;
    case ["peer", string folder]:
        PeerBenchmark.Run(folder);
        return 0;
    case ["methods", string model, string calibration, string test, .. string[] rest]:
        MethodsBenchmark.Run(
            model, calibration, test, rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 3, rest.ElementAtOrDefault(1), rest.ElementAtOrDefault(2));
        return 0;
    case ["conversion", string variant, .. string[] rest]:
        ConversionBenchmark.Run(
            variant,
            rest.Length > 1 ? int.Parse(rest[1], System.Globalization.CultureInfo.InvariantCulture) : null,
            rest.ElementAtOrDefault(0) ?? "ptq4vm");
        return 0;
    default:
        Console.Error.WriteLine("Usage: Bitis.Benchmarks kernels | profile VARIANT | threads VARIANT | training [MODEL...] | hlq | backward MODEL TRAIN TEST EPOCHS [TAKE [SEEDS [METHODS]]] | methods MODEL CALIBRATION TEST [DRAWS [ROW [BITS]]] | conversion VARIANT [METHOD [BLOCKS]] | peer FOLDER");
        return 2;
}
